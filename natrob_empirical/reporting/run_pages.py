"""The data page and a page a run: what was run where, every cell, and what was left out."""

from collections.abc import Sequence

from natrob_empirical.display import Cell, Part
from natrob_empirical.display.formatting import clean_text
from natrob_empirical.evidence.folders import UnreadFile
from natrob_empirical.evidence.run import Run
from natrob_empirical.reporting.page import ROOMS, Page, unique_slugs
from natrob_empirical.reporting.parts import RUN_PARTS, key
from natrob_empirical.reporting.parts.cells import count, table, words
from natrob_empirical.reporting.parts.provenance import missing_cells


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
            *map(count, (run.seed, len(run.models), len(run.records), _missing(run), len(run.superseded))),
        )
        for run in runs
    ]
    left_out = [(words(clean_text(each.name)), words(clean_text(each.reason), mark="caution")) for each in unread]
    headings = ("Run·", "Data set·", "Seed", "Models", "Cells", "Missing", "Superseded")
    caption = "Every run; its name leads to all its cells, hardware, versions and commit."
    return Page(
        address=ROOMS["Data"],
        room="Data",
        title="Data",
        lead=("Every number of this site is read from these records, or from proofs.", *notes),
        parts=(
            *_part("runs", "Runs", caption, headings, rows),
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
        parts=(*built, *_attacks(run), *_superseded(run)),
    )


def _part(name: str, heading: str, caption: str, headings: Sequence[str], rows: Sequence[Sequence[Cell]], *,
          run: Run | None = None) -> tuple[Part, ...]:  # fmt: skip
    """A part with one table, folded on the page of a run; none without rows."""
    shown = table(name if run is None else key(run, what=name), caption, headings, rows)
    return () if shown is None else (Part(name=name, heading=heading, tables=(shown,), folded=run is not None),)


def _missing(run: Run) -> int:
    part = missing_cells(run)
    return sum(len(each.rows) for each in part.tables) if part else 0


def _attacks(run: Run) -> tuple[Part, ...]:
    """The settings of every attack."""
    rows = [
        (words(label), words(", ".join(f"{name} = {value}" for name, value in settings.items() if value is not None)))
        for label, settings in run.attacks.items()
    ]
    caption = "Settings of every attack, as in the records."
    return _part("attack-settings", "Settings of attacks", caption, ("Attack·", "Settings·"), rows, run=run)


def _superseded(run: Run) -> tuple[Part, ...]:
    """Older records of the same cells."""
    rows = [
        tuple(words(clean_text(each)) for each in (r.cell.model, r.cell.attack or r.result.kind, r.environment.created))
        for r in run.superseded
    ]
    caption = "Older records, replaced by newer ones."
    return _part("superseded", "Superseded records", caption, ("Model·", "Cell·", "Created·"), rows, run=run)
