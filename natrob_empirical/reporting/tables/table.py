"""A table as plain data, which both page templates print."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final

from natrob_empirical.display.formatting import MISSING, format_kind, format_number, format_share
from natrob_empirical.reporting.record_groups import SeedSummary

LONG_TABLE: Final = 40
Mark: TypeAlias = Literal["", "vacuous", "alarm", "missing", "good", "above"]


@final
@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell: its text, and a mark that the page shows in colour and in words."""

    text: str
    mark: Mark = ""


@final
@dataclass(frozen=True, kw_only=True)
class Column:
    """A column's heading, a note below it (kind, n, unit), and whether it holds numbers (set right)."""

    heading: str
    note: str = ""
    numeric: bool = True


@final
@dataclass(frozen=True, kw_only=True)
class Table:
    """A table.

    Attributes:
        caption: what the table shows, with seeds and kinds where they are the same everywhere.
        columns, rows: of equal width.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def long(self) -> bool:
        """Whether the HTML page folds it away until it is asked for."""
        return len(self.rows) > LONG_TABLE


def missing_cell() -> Cell:
    """A cell that no record fills."""
    return Cell(text=MISSING, mark="missing")


def text_cell(text: str) -> Cell:
    """A cell without a mark."""
    return Cell(text=text)


def common_note(summaries: Sequence[SeedSummary | None]) -> str | None:
    """ "measured, n = 360" if kind and n are the same all down a column; None if they differ or there are none."""
    notes = {summary_note(summary) for summary in summaries if summary is not None}
    return notes.pop() if len(notes) == 1 else None


def summary_note(summary: SeedSummary) -> str:
    """Kind and n of one summary: "upper, n = 360"."""
    return format_kind(summary.kind, summary.counts)


def summary_text(summary: SeedSummary, *, share: bool = False, seeds: int = 1) -> str:
    """The mean over seeds, with the smallest and largest in brackets, and how many seeds where some are missing.

    Args:
        summary: at least one value.
        share: print as an accuracy, with three decimals.
        seeds: how many the section has.
    """
    write = format_share if share else format_number
    text = write(summary.mean, kind=summary.kind)
    if len(summary.values) > 1:
        low, high = write(min(summary.values), kind=summary.kind), write(max(summary.values), kind=summary.kind)
        text = f"{text} ({low} – {high})" if low != high else text
    return text if len(summary.values) == seeds else f"{text} [{len(summary.values)} of {seeds} seeds]"


def number_column(
    heading: str, summaries: Sequence[SeedSummary | None], *, share: bool = False, seeds: int = 1
) -> tuple[Column, list[Cell]]:
    """A column of numbers: kind and n in the heading if they are common to all, else in every cell."""
    note = common_note(summaries)
    cells: list[Cell] = []
    for summary in summaries:
        if summary is None:
            cells.append(missing_cell())
            continue
        text = summary_text(summary, share=share, seeds=seeds)
        cells.append(Cell(text=text if note else f"{text} ({summary_note(summary)})"))
    return Column(heading=heading, note=note or ""), cells


def seeds_sentence(seeds: Sequence[int]) -> str:
    """Which seeds a table shows: "Seed 0." or "Seeds 0, 1, 2: mean (smallest – largest)."."""
    if len(seeds) == 1:
        return f"Seed {seeds[0]}."
    return f"Seeds {', '.join(map(str, seeds))}: mean (smallest – largest)."
