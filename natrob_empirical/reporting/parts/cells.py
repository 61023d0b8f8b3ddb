"""Cells, columns and names that the parts share."""

import math
import re
import zlib
from collections.abc import Sequence

from natrob_empirical.display import Cell, Column, Table
from natrob_empirical.display.formatting import format_count, format_kind, format_number, format_share
from natrob_empirical.display.table import Mark, missing_cell
from natrob_empirical.evidence.run import Model, Run
from natrob_empirical.records import Number


def words(text: str, *, mark: Mark = "", note: str = "") -> Cell:
    """A cell of words."""
    return Cell(text=text, mark=mark, note=note)


def count(value: int | float | None) -> Cell:
    """A count with thousands separated."""
    return missing_cell() if value is None else Cell(text=format_count(float(value)), value=float(value))


def quantity(value: int | float | None, kind: str = "measured", *, mark: Mark = "", note: str = "") -> Cell:
    """A number, rounded as its kind asks for; infinity has no value to sort by and comes last as a word."""
    if value is None or math.isnan(value):
        return missing_cell(note)
    return Cell(text=format_number(float(value), kind=kind), value=float(value), mark=mark, note=note)


def share(value: float | None, kind: str = "measured", *, mark: Mark = "", note: str = "") -> Cell:
    """An accuracy with three decimals, rounded as its kind asks for."""
    if value is None:
        return missing_cell(note)
    return Cell(text=format_share(value, kind=kind), value=value, mark=mark, note=note)


def number(found: Number | None, *, accuracy: bool = False) -> Cell:
    """A number of a record with its kind, n and source beside it."""
    if found is None:
        return missing_cell()
    note = f"{format_kind(found.kind, (found.n,))}; {found.source}"
    return (share if accuracy else quantity)(found.value, found.kind, note=note)


def table(name: str, caption: str, headings: Sequence[str | Column], rows: Sequence[Sequence[Cell]]) -> Table | None:
    """A table, or None without rows; a heading in words alone ends with "·" where the column holds words."""
    columns = [
        each if isinstance(each, Column) else Column(heading=each.removesuffix("·"), numeric=not each.endswith("·"))
        for each in headings
    ]
    if not rows:
        return None
    return Table(name=name, caption=caption, columns=tuple(columns), rows=tuple(map(tuple, rows)))


def only(*tables: Table | None) -> tuple[Table, ...]:
    """The tables that there are."""
    return tuple(filter(None, tables))


def slug(*texts: str) -> str:
    """Letters, digits and hyphens for names of files; a checksum parts texts that other signs tell apart."""
    text = " ".join(texts).lower()
    plain = re.sub(r"[^a-z0-9]+", "-", text).strip("-")
    other = "".join(re.findall(r"[^\x00-\x7f]|[<>+*/]", text))
    return f"{plain}-{zlib.crc32(other.encode()) & 0xFFFF:04x}".strip("-") if other else plain


def data_name(run: Run) -> str:
    """The data set as people write it."""
    return {"mnist": "MNIST", "cifar10": "CIFAR-10", "digits": "scikit-learn’s digits"}.get(run.dataset, run.dataset)


def key(run: Run, model: Model | None = None, *, what: str = "") -> str:
    """The name of a file about a run, or about one of its models; unique in the site."""
    return slug(*filter(None, (what, run.name, model.label if model else "")))
