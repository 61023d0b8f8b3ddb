"""The data page and a page a run: what was run where, every cell, and what was left out."""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from natrob_empirical.display import Cell, Part
from natrob_empirical.display.formatting import NORM_SIGNS, clean_text, format_budget, format_epsilon
from natrob_empirical.evidence.completeness import missing_cells
from natrob_empirical.evidence.folders import UnreadFile
from natrob_empirical.evidence.grouping import attack_result_of
from natrob_empirical.evidence.run import Run, budget_of
from natrob_empirical.records import CellRecord, Environment
from natrob_empirical.reporting.page import ROOMS, Page, unique_slugs
from natrob_empirical.reporting.parts import RUN_PARTS, key
from natrob_empirical.reporting.parts.cells import count, share, table, words

_PROVENANCE: Final[dict[str, Callable[[Environment], str]]] = {
    "Hardware": lambda e: f"{e.hardware}, {e.device}, {e.threads} thread{'' if e.threads == 1 else 's'}",
    "Platform": lambda e: e.platform,
    "Versions": lambda e: (
        f"natrob {e.natrob}, Python {e.python}, torch {e.torch}, torchvision {e.torchvision}, "
        f"torchdiffeq {e.torchdiffeq}"
    ),
    "Commit": lambda e: e.commit,
    "Created": lambda e: e.created,
}


def run_addresses(runs: Sequence[Run]) -> dict[str, str]:
    """Name of a run → its page."""
    names = [run.name for run in runs]
    return {name: f"runs/{each}.html" for name, each in zip(names, unique_slugs(names), strict=True)}


def data_page(runs: Sequence[Run], unread: Sequence[UnreadFile], notes: Sequence[str], command: str) -> Page:
    """Every run, the files left out, and the command that makes the records anew."""
    addresses = run_addresses(runs)
    rows = [
        (
            Cell(text=run.name, link=addresses[run.name]),
            words(run.dataset),
            *map(count, (run.seed, len(run.models), len(run.records))),
            count(sum(map(len, missing_cells(run).values()))),
            count(len(run.superseded)),
        )
        for run in runs
    ]
    left_out = [(words(clean_text(each.name)), words(clean_text(each.reason), mark="caution")) for each in unread]
    headings = ("Run·", "Data set·", "Seed", "Models", "Cells", "Missing", "Superseded")
    return Page(
        address=ROOMS["Data"],
        room="Data",
        title="Data",
        lead=("Every number of this site is read from these records, or from proofs.", *notes),
        parts=(
            *_part(
                "runs", "Runs", "Every run; its name leads to all its cells, settings and provenance.", headings, rows
            ),
            *_part("left-out", "Left out", "Files that count for nothing.", ("File·", "Why·"), left_out),
            *([Part(name="command", heading="Make it anew", code=command)] if command else []),
        ),
    )


def run_pages(runs: Sequence[Run]) -> list[Page]:
    """A page a run."""
    return [_page(run, address) for run, address in zip(runs, run_addresses(runs).values(), strict=True)]


def _page(run: Run, address: str) -> Page:
    built = [part for make in RUN_PARTS if (part := make(run)) is not None]
    return Page(
        address=address,
        room="Data",
        title=f"Run {run.name}",
        lead=(f"{len(run.records):,} cells of {len(run.models):,} models.",),
        parts=(*_provenance(run), *built, *_missing(run), *_attacks(run), *_settings(run), *_superseded(run)),
    )


def _part(name: str, heading: str, caption: str, headings: Sequence[str], rows: Sequence[Sequence[Cell]], *,
          run: Run | None = None, folded: bool = False) -> tuple[Part, ...]:  # fmt: skip
    """A part with one table; none without rows."""
    shown = table(name if run is None else key(run, what=name), caption, headings, rows)
    return () if shown is None else (Part(name=name, heading=heading, tables=(shown,), folded=folded),)


def _provenance(run: Run) -> tuple[Part, ...]:
    """Where and with what the records were made; differing values are all listed."""
    environments = [record.environment for record in run.records]
    found = {name: sorted({clean_text(pick(each)) for each in environments}) for name, pick in _PROVENANCE.items()}
    dates = list(dict.fromkeys((found["Created"][0], found["Created"][-1])))
    rows = [(words(name), words("; ".join(values))) for name, values in (found | {"Created": dates}).items()]
    return _part("provenance", "Provenance", "How the records came to be.", ("What·", "Value·"), rows, run=run)


def _missing(run: Run) -> tuple[Part, ...]:
    """The cells that others have, model by model."""
    rows = [(words(label), words(cell)) for label, cells in missing_cells(run).items() for cell in cells]
    return _part("missing", "Missing cells", "Cells that other models have.", ("Model·", "Cell·"), rows, run=run)


def _attacks(run: Run) -> tuple[Part, ...]:
    """Every attack on every model."""
    headings = ("Model·", "Training·", "Attack·", "Norm·", "ε", "Kept at most", "Clean", "n", "Queries", "Gradients")
    caption = "What every attack left; queries and gradients are means an image."
    rows = [
        (
            words(clean_text(record.cell.model)),
            words(clean_text(record.cell.training)),
            words(budget.attack),
            words(NORM_SIGNS.get(budget.norm, budget.norm)),
            Cell(text=format_epsilon(budget.epsilon), value=budget.epsilon),
            share(result.accuracy.value, "upper"),
            share(result.clean_accuracy.value),
            *map(count, (result.accuracy.n, result.mean_queries, result.mean_gradient_calls)),
        )
        for record in sorted(run.records, key=_cell_order)
        if (result := attack_result_of(record)) is not None
        for budget in (budget_of(record),)
    ]
    return _part("attacks", "Every attack", caption, headings, rows, run=run, folded=True)


def _settings(run: Run) -> tuple[Part, ...]:
    """Settings that all cells share once, those of a model once, the others cell by cell."""
    common = _common([record.settings for record in run.records])
    rows = [("all cells", common)]
    by_model: dict[str, list[CellRecord]] = {}
    for record in sorted(run.records, key=_cell_order):
        by_model.setdefault(clean_text(f"{record.cell.model}, {record.cell.training}"), []).append(record)
    for model, records in by_model.items():
        own = _common([record.settings for record in records])
        rows.append((model, _without(own, common)))
        rows += [(f"{model}: {_name(record)}", _without(record.settings, own)) for record in records]
    shown = [(words(name), words(_json(settings))) for name, settings in rows if settings]
    caption = "Settings as the records hold them."
    return _part("settings", "Every setting", caption, ("Cells·", "Settings·"), shown, run=run, folded=True)


def _superseded(run: Run) -> tuple[Part, ...]:
    """Older records of the same cells."""
    rows = [tuple(map(words, (clean_text(r.cell.model), _name(r), clean_text(r.environment.created))))
            for r in run.superseded]  # fmt: skip
    caption = "Older records, replaced by newer ones."
    headings = ("Model·", "Cell·", "Created·")
    return _part("superseded", "Superseded records", caption, headings, rows, run=run, folded=True)


def _name(record: CellRecord) -> str:
    """A cell in words: "theory" or "PGD-20, L∞ ε = 0.1"."""
    if record.cell.attack is None:
        return "theory"
    budget = budget_of(record)
    return f"{budget.attack}, {format_budget(budget.norm, budget.epsilon)}"


def _cell_order(record: CellRecord) -> tuple[object, ...]:
    """By model, theory first, then by attack."""
    attacked = record.cell.attack is not None
    return (record.cell.model, record.cell.training, attacked, budget_of(record).order if attacked else ())


def _common(settings: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The entries that all of these have with the same value."""
    return {
        key: value
        for key, value in (settings[0] if settings else {}).items()
        if all(key in other and _json(other[key]) == _json(value) for other in settings[1:])
    }


def _without(settings: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key not in known}


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
