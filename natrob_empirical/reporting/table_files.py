"""Tables as CSV and JSON."""

import csv
import io
import json
import math
from typing import Any

from natrob_empirical.display import Cell, Table


def csv_of(table: Table) -> bytes:
    """One line a row: numbers as they are, before rounding, and the printed text of all other cells."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.heading for column in table.columns])
    writer.writerows([[_plain(cell) for cell in row] for row in table.rows])
    return text.getvalue().encode("utf-8")


def json_of(table: Table) -> bytes:
    """Caption, columns and rows; a cell is what is printed, its number, its mark and its note."""
    content = {
        "name": table.name,
        "caption": table.caption,
        "columns": [{"heading": column.heading, "note": column.note} for column in table.columns],
        "rows": [[_entries(cell) for cell in row] for row in table.rows],
    }
    return (json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n").encode("utf-8")


def _plain(cell: Cell) -> str:
    return cell.text if cell.value is None else str(_short(cell.value))


def _short(value: float | int) -> float | int | str:
    """A whole number without ".0", and a word for infinity, for which JSON has no sign."""
    if not math.isfinite(value):
        return str(value)
    return int(value) if value == int(value) and abs(value) < 1e15 else value


def _entries(cell: Cell) -> dict[str, Any]:
    """The fields of a cell that are not empty."""
    value = None if cell.value is None else _short(cell.value)
    entries = {"text": cell.text, "value": value, "mark": cell.mark, "note": cell.note}
    return {name: entry for name, entry in entries.items() if entry not in ("", None)}
