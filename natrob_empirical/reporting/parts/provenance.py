"""Where the numbers come from: settings, hardware, versions, and the cells that are not there."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from natrob_empirical.display import Part, measured
from natrob_empirical.display.formatting import clean_text, format_budget, format_sample_size
from natrob_empirical.evidence.grouping import attack_result_of
from natrob_empirical.evidence.run import AttackBudget, Model, Run, budget_of
from natrob_empirical.records import CellRecord
from natrob_empirical.reporting.parts.cells import data_name, key, only, table, words


def settings(run: Run, model: Model) -> Part | None:
    """The settings that all cells of a model share, and those of single cells; attacks stand on the run's page."""
    records = [
        r
        for r in run.records
        if (clean_text(r.cell.model), clean_text(r.cell.training)) == (model.name, model.training)
    ]
    common = _common([record.settings for record in records])
    shared = table(key(run, model, what="settings"), "Settings of all cells of this network.", ("Setting·", "Value·"),
                   [(words(name), words(value)) for name, value in _flat(common)])  # fmt: skip
    own = [(r, {k: v for k, v in r.settings.items() if k not in common and k != "attack"}) for r in records]
    cells = table(
        key(run, model, what="cells"), "Further settings of single cells.", ("Cell·", "Settings·"),
        [(words(_cell_name(record)), words(_json(rest))) for record, rest in own if rest],
    )  # fmt: skip
    return Part(name="settings", heading="Settings", tables=only(shared, cells), folded=True)


def provenance(run: Run) -> Part:
    """Preset, data, sample sizes, hardware, versions, commit and dates of a run."""
    environments = [record.environment for record in run.records]
    attacked = {result.accuracy.n for record in run.records if (result := attack_result_of(record))}
    tested = {model.clean_accuracy.n for model in run.models if model.clean_accuracy}
    facts = {
        "Folder": [run.source], "Preset": [run.preset], "Data": [data_name(run)], "Seed": [str(run.seed)],
        "Images tested": [format_sample_size(tuple(tested))] if tested else [],
        "Images attacked": [format_sample_size(tuple(attacked))] if attacked else [],
        "Test set by class": [", ".join(map(str, run.class_counts))],
        "Hardware": [f"{e.hardware}, {e.device}, {e.threads} {'thread' if e.threads == 1 else 'threads'}"
                     for e in environments],
        "Times": [f"measured while {e.workers} processes ran cells side by side" for e in environments
                  if e.workers > 1],
        "Platform": [e.platform for e in environments],
        "Versions": [f"natrob {e.natrob}, Python {e.python}, torch {e.torch}, torchvision {e.torchvision}, "
                     f"torchdiffeq {e.torchdiffeq}" for e in environments],
        "Commit": [e.commit for e in environments],
        "From": sorted(e.created for e in environments)[:1],
        "To": sorted(e.created for e in environments)[-1:],
    }  # fmt: skip
    lines = [(words(name), words(text)) for name, values in facts.items() if (text := _distinct(values))]
    shown = table(key(run, what="provenance"), "The run.", ("Fact·", "Value·"), lines)
    return Part(name="provenance", heading="Where the numbers come from", tables=only(shown))


def missing_cells(run: Run) -> Part | None:
    """The cells that some models have and others lack, as far as records can tell; none where all is there."""
    lines = [
        (words(model.label), words(cell), words(reason))
        for model in run.models
        for cell, reason in _missing(run, model)
    ]
    shown = table(key(run, what="missing"), "Cells that another model has and this one lacks.",
                  ("Model·", "Cell·", "Why·"), lines)  # fmt: skip
    older = f"{len(run.superseded):,} older records of the same cells do not count."
    sentences = [f"{measured(f'{len(lines):,}')} cells are missing." if lines else "No cell is missing."]
    return Part(name="missing", heading="Missing cells", sentences=(*sentences, *([older] if run.superseded else [])),
                tables=only(shown))  # fmt: skip


def _missing(run: Run, model: Model) -> list[tuple[str, str]]:
    """(cell, why) of what this model lacks."""
    found = [] if model.trained or not any(each.trained for each in run.models) else [("theory", "")]
    for budget in _expected(run, model):
        if budget not in model.attacks:
            refusal = model.attack_refusals.get(budget)
            found.append((budget.text, clean_text(refusal.reason) if refusal else "not run"))
    return found


def _expected(run: Run, model: Model) -> list[AttackBudget]:
    """The attacks a model should meet: none made on itself or for others only, none for a mere source of images."""
    if not model.attacks and model.name in {run.source_of(budget.attack) for budget in run.budgets}:
        return []
    return [b for b in run.budgets if run.source_of(b.attack) != model.name and _meant_for(run, model, b)]


def _meant_for(run: Run, model: Model, budget: AttackBudget) -> bool:
    """Whether no record of the attack says that it is for other models only."""
    results = [
        found for each in run.models for part in (each.attacks, each.attack_refusals) if (found := part.get(budget))
    ]
    named = [result.only_on for result in results]
    return not all(named) or any(model.name == clean_text(label) for labels in named for label in labels)


def _cell_name(record: CellRecord) -> str:
    if record.cell.attack is None:
        return record.result.kind
    budget = budget_of(record)
    return f"{budget.attack}, {format_budget(budget.norm, budget.epsilon)}"


def _common(settings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The entries that all of these have with the same value."""
    first = settings[0] if settings else {}
    return {k: v for k, v in first.items() if all(k in other and _json(other[k]) == _json(v) for other in settings[1:])}


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    """(setting, value as JSON), those of a part under "part.setting"."""
    for name, value in settings.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value if isinstance(value, str) else _json(value)


def _distinct(values: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(clean_text(value) for value in values if value))


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
