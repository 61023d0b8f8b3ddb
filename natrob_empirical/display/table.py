"""A table as plain data, for HTML, Markdown, CSV and JSON alike."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, final

from natrob_empirical.display.formatting import MISSING

Mark: TypeAlias = Literal["", "good", "bad", "caution", "missing"]


@final
@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell.

    Attributes:
        text: as printed; measured values need no mark in a table.
        mark: shown in colour and by a sign.
        value: what the cell is sorted by and what CSV and JSON hold; None for the text itself.
        link: address of another page of the site, or empty.
        note: shown beside or on demand, such as the reason of a flag.
    """

    text: str
    mark: Mark = ""
    value: float | int | None = None
    link: str = ""
    note: str = ""


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
        name: of its CSV and JSON files, letters, digits and hyphens; unique in its site.
        caption: what the table shows.
        columns, rows: of equal width.

    Raises:
        ValueError: a row is not as wide as the columns.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"every row of {self.name!r} must hold {len(self.columns)} cells, got {len(row)}")


def missing_cell(note: str = "") -> Cell:
    """Returns a cell that no record fills."""
    return Cell(text=MISSING, mark="missing", note=note)
