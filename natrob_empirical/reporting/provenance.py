"""Where the numbers come from: hardware, versions, dates, and the settings of every cell."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, final

from natrob_empirical.display.formatting import MISSING, clean_text, format_budget, format_sample_size
from natrob_empirical.records import CellRecord, Environment, TheoryRefusal, TheoryResult
from natrob_empirical.reporting.record_groups import Section, attack_result_of, budget_of


@final
@dataclass(frozen=True, kw_only=True)
class CellSettings:
    """The settings of one cell that are not common to all cells of its model."""

    cell: str
    settings: str


@final
@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """The settings of one model: those that all its cells share, and the rest cell by cell, as JSON."""

    model: str
    common: str
    cells: tuple[CellSettings, ...]


@final
@dataclass(frozen=True, kw_only=True)
class SectionSettings:
    """The settings of a section as JSON: those that all its models' cells share, the rest model by model, the sweep's.

    `sweep` is empty without a sweep over step sizes.
    """

    common: str
    models: tuple[ModelSettings, ...]
    sweep: str


def environment_facts(records: Sequence[CellRecord]) -> list[tuple[str, str]]:
    """(name, value) of hardware, versions, commit and dates; differing values are all listed."""
    environments = [record.environment for record in records]
    rows: list[tuple[str, Callable[[Environment], str]]] = [
        ("Hardware", lambda e: f"{e.hardware}, {e.device}, {e.threads} thread{'' if e.threads == 1 else 's'}"),
        ("Platform", lambda e: e.platform),
        (
            "Versions",
            lambda e: (
                f"natrob {e.natrob}, Python {e.python}, torch {e.torch}, torchvision {e.torchvision}, "
                f"torchdiffeq {e.torchdiffeq}"
            ),
        ),
        ("Commit", lambda e: e.commit),
    ]
    facts = [(name, _distinct(pick(environment) for environment in environments)) for name, pick in rows]
    dates = sorted({clean_text(environment.created) for environment in environments})
    created = MISSING if not dates else dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    return [*facts, ("Created", created)]


def section_facts(section: Section) -> list[tuple[str, str]]:
    """(name, value) of preset, data, seeds and sample sizes of a section."""
    cells = [record.result for record in section.records if isinstance(record.result, (TheoryResult, TheoryRefusal))]
    theories = [cell for cell in cells if isinstance(cell, TheoryResult)]
    attacked = {result.accuracy.n for record in section.records if (result := attack_result_of(record)) is not None}
    test = {theory.clean_accuracy.n for theory in cells}
    train = {theory.train_accuracy.n for theory in cells}
    pairs = {check.pairs for theory in theories for check in theory.bound_checks}
    images = [
        f"{name}: {format_sample_size(tuple(counts))}"
        for name, counts in (("training", train), ("test", test), ("attacked", attacked))
        if counts - {None}
    ]
    return [
        ("Preset", section.preset),
        ("Data set", section.dataset),
        ("Images", "; ".join(images) or MISSING),
        ("Pairs of trajectories", f"{format_sample_size(tuple(pairs))} per model and check" if pairs else MISSING),
        ("Seeds", ", ".join(map(str, section.seeds)) or MISSING),
    ]


def section_settings(section: Section) -> SectionSettings:
    """Settings with the same value in every cell once, those of a model once per model, the others cell by cell."""
    common = _common([record.settings for record in section.records])
    by_model: dict[str, list[CellRecord]] = {}
    for record in sorted(section.records, key=_cell_order):
        by_model.setdefault(clean_text(f"{record.cell.model}, {record.cell.training}"), []).append(record)
    models: list[ModelSettings] = []
    for model, records in by_model.items():
        own = _common([record.settings for record in records])
        cells = tuple(
            CellSettings(cell=cell_name(record), settings=_json(_without(record.settings, own))) for record in records
        )
        models.append(ModelSettings(model=model, common=_json(_without(own, common), indent=2), cells=cells))
    sweep = "" if section.sweep is None else _json(section.sweep.settings, indent=2)
    return SectionSettings(common=_json(common, indent=2), models=tuple(models), sweep=sweep)


def _common(settings: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The entries that all of these have with the same value."""
    return {
        key: value
        for key, value in (settings[0] if settings else {}).items()
        if all(key in other and _json(other[key]) == _json(value) for other in settings[1:])
    }


def _without(settings: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """The entries that are not known already."""
    return {key: value for key, value in settings.items() if key not in known}


def cell_name(record: CellRecord) -> str:
    """A cell in words: "theory, seed 0" or "PGD-20, L∞ ε = 0.1, seed 0"."""
    if record.cell.attack is None:
        return f"theory, seed {record.cell.seed}"
    budget = budget_of(record)
    return f"{budget.attack}, {format_budget(budget.norm, budget.epsilon)}, seed {record.cell.seed}"


def _cell_order(record: CellRecord) -> tuple[object, ...]:
    """By model, theory first, then by attack and seed."""
    attacked = record.cell.attack is not None
    return (
        record.cell.model,
        record.cell.training,
        attacked,
        budget_of(record).order if attacked else (),
        record.cell.seed,
    )


def _distinct(values: Iterable[str]) -> str:
    """The different values, sorted, or a dash."""
    return "; ".join(sorted({clean_text(value) for value in values})) or MISSING


def _json(value: Any, indent: int | None = None) -> str:
    """Sorted JSON text."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, indent=indent, default=str)
