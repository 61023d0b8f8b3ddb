"""The table of models: what was trained, and how well it does without an attack."""

from statistics import median
from typing import Final

from natrob_empirical.display.formatting import MISSING, clean_text, format_count, format_number
from natrob_empirical.records import EvaluationStatistics, GridStatistics
from natrob_empirical.reporting.record_groups import ModelRuns, Section
from natrob_empirical.reporting.tables.table import (
    Cell,
    Column,
    Table,
    missing_cell,
    number_column,
    seeds_sentence,
    text_cell,
)

_RESIDUAL_NAMES: Final = {
    "resnet": "residual, batch norm",
    "resnet50": "ResNet-50 blocks",
    "preact_resnet18": "PreAct-ResNet-18 blocks",
}


def models_table(section: Section) -> Table:
    """Label, class, training, h, N, T, parameters, field evaluations, train and clean accuracy per model."""
    seeds = len(section.seeds)
    plain = [
        (Column(heading="Model", numeric=False), [text_cell(model.label) for model in section.models]),
        (Column(heading="Network", numeric=False), [text_cell(network_name(model)) for model in section.models]),
        (Column(heading="Training", numeric=False), [text_cell(model.training) for model in section.models]),
        (Column(heading="h", note="step size"), [_step_size(model) for model in section.models]),
        (Column(heading="N", note="steps"), [_steps(model) for model in section.models]),
        (Column(heading="T", note="total time"), [_spread(model, "total_time") for model in section.models]),
        (Column(heading="Parameters"), [_spread(model, "parameters") for model in section.models]),
        (
            Column(heading="NFE", note="field evaluations per pass"),
            [_evaluations(model) for model in section.models],
        ),
    ]
    if any(s.rejected_largest for model in section.models for s in _statistics(model)):
        plain.append((Column(heading="Rejected", note="trial steps"), [_rejected(model) for model in section.models]))
    accuracies = [
        number_column(heading, [model.theory_number(field) for model in section.models], share=True, seeds=seeds)
        for heading, field in (("Train accuracy", "train_accuracy"), ("Clean accuracy", "clean_accuracy"))
    ]
    columns, cells = zip(*plain, *accuracies, strict=True)
    return Table(
        caption=f"The trained models. {seeds_sentence(section.seeds)}{_three_numbers(section)}{_refusals(section)}",
        columns=columns,
        rows=tuple(zip(*cells, strict=True)),
    )


def network_name(model: ModelRuns) -> str:
    """The network class in words; of the integrators their key."""
    return _RESIDUAL_NAMES.get(model.network, model.network)


def _three_numbers(section: Section) -> str:
    """Says what three numbers in a cell mean; empty where no cell has them."""
    if not any(s.smallest != s.largest or s.rejected_largest for m in section.models for s in _statistics(m)):
        return ""
    return " Three numbers are the smallest, the median and the largest over the images."


def _refusals(section: Section) -> str:
    """Why a model has no theory side; a sentence each, with a space before it."""
    reasons = {model.label: r.reason for model in section.models for r in model.refusals.values()}
    return "".join(f" {label} has no theory side: {clean_text(reason)}" for label, reason in reasons.items())


def _statistics(model: ModelRuns) -> list[EvaluationStatistics]:
    """Evaluations per image, one entry a seed that has them."""
    return [theory.evaluations_per_sample for theory in model.theory.values() if theory.evaluations_per_sample]


def _grids(model: ModelRuns) -> list[GridStatistics]:
    """The time grids, one entry a seed that has them."""
    return [theory.grid for theory in model.theory.values() if theory.grid]


def _three(smallest: int, middle: float, largest: int) -> Cell:
    """ "20 / 26 / 44", or one number where all are alike."""
    numbers = (float(smallest), float(middle), float(largest))
    return text_cell(format_count(numbers[0]) if smallest == largest else " / ".join(map(format_count, numbers)))


def _evaluations(model: ModelRuns) -> Cell:
    """Evaluations per image over all seeds, or of one pass where the records have no more."""
    found = _statistics(model)
    if not found:
        return _spread(model, "evaluations")
    return _three(min(s.smallest for s in found), median(s.median for s in found), max(s.largest for s in found))


def _rejected(model: ModelRuns) -> Cell:
    """Trial steps thrown away per image."""
    found = _statistics(model)
    if not found:
        return missing_cell()
    smallest, largest = min(s.rejected_smallest for s in found), max(s.rejected_largest for s in found)
    return _three(smallest, median(s.rejected_median for s in found), largest)


def _steps(model: ModelRuns) -> Cell:
    """N, over the images where the grid is adaptive."""
    found = _grids(model)
    if not found:
        return _spread(model, "num_steps")
    smallest, largest = min(g.steps_smallest for g in found), max(g.steps_largest for g in found)
    return _three(smallest, median(g.steps_median for g in found), largest)


def _step_size(model: ModelRuns) -> Cell:
    """h; "adaptive" with the smallest and the largest step taken; of a residual network where h stands, if it says."""
    if model.residual and model.step_size is not None:
        place = " before the normalisation" if model.specification.get("step_placement") == "before_norm" else ""
        return text_cell(f"{format_number(model.step_size)}{place}")
    sizes = sorted({theory.step_size for theory in model.theory.values() if theory.step_size is not None})
    words = [format_number(size) for size in sizes]
    if any(theory.step_size is None for theory in model.theory.values()):
        grids = _grids(model)
        taken = [format_number(pick) for pick in (
            min((g.step_size_smallest for g in grids), default=0.0),
            max((g.step_size_largest for g in grids), default=0.0),
        )] if grids else []  # fmt: skip
        words.append(f"adaptive, {taken[0]} to {taken[1]}" if taken else "adaptive")
    return Cell(text=" / ".join(words)) if words else Cell(text=MISSING, mark="missing")


def _spread(model: ModelRuns, field: str) -> Cell:
    """A count or a time, as "12" or, where seeds differ (adaptive grids), "11 – 14"."""
    values = sorted({float(getattr(theory, field)) for theory in model.theory_cells if hasattr(theory, field)})
    if not values:
        return Cell(text=MISSING, mark="missing")
    write = format_number if field == "total_time" else format_count
    return text_cell(write(values[0]) if len(values) == 1 else f"{write(values[0])} – {write(values[-1])}")
