"""The table of models: what was trained, and how well it does without an attack."""

from natrob_empirical.reporting.formatting import MISSING, format_count, format_number
from natrob_empirical.reporting.record_groups import ModelRuns, Section
from natrob_empirical.reporting.tables.table import Cell, Column, Table, number_column, seeds_sentence, text_cell


def models_table(section: Section) -> Table:
    """Label, class, training, h, N, T, parameters, field evaluations, train and clean accuracy per model."""
    seeds = len(section.seeds)
    plain = [
        (Column(heading="Model", numeric=False), [text_cell(model.label) for model in section.models]),
        (Column(heading="Network", numeric=False), [text_cell(model.network) for model in section.models]),
        (Column(heading="Training", numeric=False), [text_cell(model.training) for model in section.models]),
        (Column(heading="h", note="step size"), [_step_size(model) for model in section.models]),
        (Column(heading="N", note="steps"), [_spread(model, "num_steps") for model in section.models]),
        (Column(heading="T", note="total time"), [_spread(model, "total_time") for model in section.models]),
        (Column(heading="Parameters"), [_spread(model, "parameters") for model in section.models]),
        (
            Column(heading="NFE", note="field evaluations per pass"),
            [_spread(model, "evaluations") for model in section.models],
        ),
    ]
    accuracies = [
        number_column(heading, [model.theory_number(field) for model in section.models], share=True, seeds=seeds)
        for heading, field in (("Train accuracy", "train_accuracy"), ("Clean accuracy", "clean_accuracy"))
    ]
    columns, cells = zip(*plain, *accuracies, strict=True)
    return Table(
        caption=f"The trained models. {seeds_sentence(section.seeds)}",
        columns=columns,
        rows=tuple(zip(*cells, strict=True)),
    )


def _step_size(model: ModelRuns) -> Cell:
    """h, or "adaptive"."""
    sizes = sorted({theory.step_size for theory in model.theory.values() if theory.step_size is not None})
    words = [format_number(size) for size in sizes]
    words += ["adaptive"] if any(theory.step_size is None for theory in model.theory.values()) else []
    return Cell(text=" / ".join(words)) if words else Cell(text=MISSING, mark="missing")


def _spread(model: ModelRuns, field: str) -> Cell:
    """A count or a time, as "12" or, where seeds differ (adaptive grids), "11 – 14"."""
    values = sorted({float(getattr(theory, field)) for theory in model.theory.values()})
    if not values:
        return Cell(text=MISSING, mark="missing")
    write = format_number if field == "total_time" else format_count
    return text_cell(write(values[0]) if len(values) == 1 else f"{write(values[0])} – {write(values[-1])}")
