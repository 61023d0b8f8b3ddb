"""The table of trainings: what differs from model to model; what all share stands in the caption."""

import json
from collections.abc import Mapping
from typing import Any

from natrob_empirical.display.formatting import MISSING, clean_text, format_count, format_number
from natrob_empirical.reporting.record_groups import ModelRuns, Section
from natrob_empirical.reporting.tables.table import Cell, Column, Table, missing_cell, text_cell


def training_table(section: Section) -> Table | None:
    """How every model was trained, or None where no record says."""
    models = [model for model in section.models if model.recipe]
    if not models:
        return None
    settings = [flattened(model.recipe) for model in models]
    names = list(dict.fromkeys(name for own in settings for name in own))
    shared = [name for name in names if len({own.get(name, MISSING) for own in settings}) == 1]
    differing = [name for name in names if name not in shared]
    columns = (
        Column(heading="Model", numeric=False),
        *(Column(heading=name.replace("_", " "), numeric=False) for name in differing),
        Column(heading="Seconds", note="wall clock"),
    )
    rows = tuple(
        (
            text_cell(model.label),
            *(text_cell(own[name]) if name in own else missing_cell() for name in differing),
            _seconds(model),
        )
        for model, own in zip(models, settings, strict=True)
    )
    common = ", ".join(f"{name.replace('_', ' ')} {settings[0][name]}" for name in shared)
    caption = f"How the models were trained. All alike: {common}." if shared else "How the models were trained."
    return Table(caption=caption, columns=columns, rows=rows)


def flattened(recipe: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Setting → value in words, a part's settings under "part: setting"; the method's name under "method"."""
    found: dict[str, str] = {}
    for name, value in recipe.items():
        full = f"{prefix}: {name}" if prefix else name
        if isinstance(value, dict):
            found |= flattened(value, full)
        else:
            found[full.removesuffix(": name")] = _words(value)
    return found


def _words(value: object) -> str:
    """A value of a setting."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return format_number(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_words, value)) or "none"
    return clean_text(value) if isinstance(value, str) else json.dumps(value, default=str)


def _seconds(model: ModelRuns) -> Cell:
    """The training's wall clock, the range over seeds."""
    seconds = sorted(cell.training_seconds for cell in model.theory_cells)
    if not seconds:
        return missing_cell()
    words = [format_count(float(round(value))) for value in (seconds[0], seconds[-1])]
    return text_cell(words[0] if words[0] == words[1] else f"{words[0]} – {words[1]}")
