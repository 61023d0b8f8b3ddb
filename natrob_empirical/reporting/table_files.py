"""Tables as CSV and JSON."""

import csv
import io
import json
import math

from natrob_empirical.display import Cell, Table


def csv_of(table: Table) -> bytes:
    """One line a row: numbers as they are, before rounding, and the printed text of all other cells."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.heading for column in table.columns])
    writer.writerows([[_plain(cell) for cell in row] for row in table.rows])
    return text.getvalue().encode("utf-8")


def json_of(table: Table) -> bytes:
    """Caption, columns, the same rows as in CSV, and every note with the [row, column] of its cells."""
    notes: dict[str, list[list[int]]] = {}
    for i, row in enumerate(table.rows):
        for j, cell in enumerate(row):
            if cell.note:
                notes.setdefault(cell.note, []).append([i, j])
    content = {
        "caption": table.caption,
        "columns": [column.heading for column in table.columns],
        "rows": [[cell.text if cell.value is None else _short(cell.value) for cell in row] for row in table.rows],
        "notes": notes,
    }
    return (json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n").encode("utf-8")


def _plain(cell: Cell) -> str:
    return cell.text if cell.value is None else str(_short(cell.value))


def _short(value: float | int) -> float | int | str:
    """A whole number without ".0", and a word for infinity, for which JSON has no sign."""
    if not math.isfinite(value):
        return str(value)
    return int(value) if value == int(value) and abs(value) < 1e15 else value
