"""The table beside the figure on step sizes: every field at a coarse, the middle and the finest step."""

from natrob_empirical.display.formatting import clean_text, format_kind, format_number
from natrob_empirical.records import FieldGrowth, Number, StepSizePoint, StepSizeResult
from natrob_empirical.reporting.findings.step_size_growth import exceeds, finest, nearest_one
from natrob_empirical.reporting.tables.table import Cell, Column, Table, missing_cell, text_cell

_COLUMNS = (
    ("Growth found", "measured"),
    ("(1 + hK)^n", "from_lipschitz"),
    ("From (μ, K)", "from_one_sided"),
    ("Gradient flow", "from_gradient_flow"),
)


def step_sizes_table(result: StepSizeResult) -> Table:
    """Per field and step size: K and μ as intervals, the largest growth found, and the bounds."""
    points = [(field, point) for field in result.fields for point in _shown(field)]
    numbers = [
        (
            Column(heading=heading, note=_note([getattr(point, name) for _, point in points])),
            [_bounded(point, name) for _, point in points],
        )
        for heading, name in _COLUMNS
    ]
    columns, cells = zip(
        (Column(heading="Field", numeric=False), [text_cell(clean_text(field.label)) for field, _ in points]),
        (
            Column(heading="K", note="[found, upper]"),
            [_interval(field.lipschitz_lower, field.lipschitz_upper) for field, _ in points],
        ),
        (
            Column(heading="μ", note="[found, upper]"),
            [_interval(field.one_sided_lower, field.one_sided_upper) for field, _ in points],
        ),
        (
            Column(heading="h", note="n = T/h"),
            [text_cell(f"{format_number(point.step_size)}, n = {point.num_steps:,}") for _, point in points],
        ),
        *numbers,
        (
            Column(heading="Exact flow", note="e^{μT}, upper"),
            [text_cell(format_number(field.exact_flow.value, kind="upper")) for field, _ in points],
        ),
        strict=True,
    )
    caption = (
        f"Euler's method to T = {format_number(result.total_time)} on states of dimension {result.dimension}: the "
        f"largest growth found by search, which is a lower bound of the worst, and its upper bounds."
    )
    return Table(caption=caption, columns=columns, rows=tuple(zip(*cells, strict=True)))


def _shown(field: FieldGrowth) -> list[StepSizePoint]:
    """The step nearest to 1, one halfway down the list, and the finest, each once."""
    coarse, fine = nearest_one(field), finest(field)
    ordered = sorted(field.points, key=lambda point: point.num_steps)
    middle = ordered[(ordered.index(coarse) + ordered.index(fine)) // 2]
    return list({point.num_steps: point for point in (coarse, middle, fine)}.values())


def _interval(low: Number, high: Number) -> Cell:
    """ "[−0.0001, 0]": rounded outward."""
    text = f"[{format_number(low.value, kind='lower')}, {format_number(high.value, kind='upper')}]"
    return Cell(text=text, mark="alarm" if low.value > high.value else "")


def _bounded(point: StepSizePoint, name: str) -> Cell:
    """One number of a point; growth above one of its bounds is an alarm."""
    number: Number | None = getattr(point, name)
    if number is None:
        return missing_cell()
    alarm = name != "measured" and exceeds(point.measured, number)
    return Cell(text=format_number(number.value, kind=number.kind), mark="alarm" if alarm else "")


def _note(numbers: list[Number | None]) -> str:
    """Kind and n, where they are the same all down the column."""
    notes = {format_kind(number.kind, (number.n,)) for number in numbers if number is not None}
    return notes.pop() if len(notes) == 1 else ""
