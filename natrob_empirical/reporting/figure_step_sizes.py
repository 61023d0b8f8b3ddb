"""Figure 4: step size against growth at fixed T, one panel per field, both axes logarithmic."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator
from matplotlib.typing import LineStyleType

from natrob_empirical.display.formatting import format_number, format_sample_size
from natrob_empirical.records import FieldGrowth, Number, StepSizePoint, StepSizeResult
from natrob_empirical.reporting.figure_style import (
    INK,
    PALETTE,
    ReportFigure,
    first_of_rows,
    legend_below,
    new_figure,
    plot_text,
    render,
)
from natrob_empirical.reporting.figure_trajectories import tick_text

_SMALLEST: Final = 1e-12
_LARGEST: Final = 1e12  # what is further out leaves the panel


@final
@dataclass(frozen=True, kw_only=True)
class SweepCurve:
    """One sort of curve: its legend text, which number of a point it draws, and its look."""

    label: str
    pick: Callable[[StepSizePoint], Number | None]
    colour: str
    line: LineStyleType
    marker: str | None = None
    width: float = 1.6


CURVES: Final = (
    SweepCurve(label="(1 + hK)^n, the paper's (10)", pick=lambda p: p.from_lipschitz, colour=PALETTE[1], line="--"),
    SweepCurve(label="bound from (μ, K)", pick=lambda p: p.from_one_sided, colour=PALETTE[0], line="-.", width=2.0),
    SweepCurve(
        label="bound for gradient flows",
        pick=lambda p: p.from_gradient_flow, colour=PALETTE[2], line=":", width=2.4,
    ),
    SweepCurve(
        label="largest growth found (lower bound of the worst)",
        pick=lambda p: p.measured, colour=PALETTE[6], line="none", marker="o",
    ),
)  # fmt: skip
EXACT: Final = SweepCurve(label="exp(μT), exact flow", pick=lambda _: None, colour=PALETTE[3], line="-", width=1.2)


def step_sizes_figure(result: StepSizeResult, *, name: str = "step-sizes") -> ReportFigure | None:
    """The growth of every field over its step sizes against its bounds, or None without a point."""
    fields = [field for field in result.fields if field.points]
    if not fields:
        return None
    figure, panels = new_figure(len(fields))
    limits = growth_limits(fields)
    for panel, field in zip(panels, fields, strict=True):
        _draw_panel(panel, field, limits)
    for panel in first_of_rows(panels):
        panel.set_ylabel("growth ‖e(T)‖ / ‖e(0)‖ (no unit)", fontsize=8)
    handles = [_handle(curve) for curve in (*CURVES, EXACT)]
    legend_below(figure, handles)
    return render(figure, name=name, title="Step size against growth at fixed T", caption=_caption(result, fields))


def growth_limits(fields: list[FieldGrowth]) -> tuple[float, float]:
    """Common limits of the y axes: everything drawn, with a margin."""
    values = [field.exact_flow.value for field in fields]
    values += [
        number.value
        for field in fields
        for point in field.points
        for c in CURVES
        if (number := c.pick(point)) is not None
    ]
    drawable = [value for value in values if _SMALLEST <= value <= _LARGEST] or [1.0]
    return min(drawable) / 2, max(drawable) * 2


def _draw_panel(panel: Axes, field: FieldGrowth, limits: tuple[float, float]) -> None:
    """One field: its bounds as lines, what was found as dots."""
    points = sorted(field.points, key=lambda point: point.step_size)
    panel.axhline(
        float(np.clip(field.exact_flow.value, _SMALLEST, _LARGEST)),
        color=EXACT.colour, linestyle=EXACT.line, linewidth=EXACT.width,
    )  # fmt: skip
    for curve in CURVES:
        found = [(point.step_size, number.value) for point in points if (number := curve.pick(point)) is not None]
        sizes = [size for size, _ in found]
        values = np.clip([value for _, value in found], _SMALLEST / 10, _LARGEST * 10)
        panel.plot(
            sizes, values, color=curve.colour, linestyle=curve.line, linewidth=curve.width, marker=curve.marker,
            markersize=4.0,
        )  # fmt: skip
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.set_ylim(*limits)
    panel.yaxis.set_major_locator(LogLocator(base=10, numticks=9))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: tick_text(value)))
    panel.yaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_locator(FixedLocator([point.step_size for point in points]))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: size_text(value)))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.set_xlabel("step size h (no unit)", fontsize=8)
    panel.set_title(plot_text(field.label, width=44), fontsize=8.5, loc="left")


def size_text(step_size: float) -> str:
    """A step size of the axis: "2", "1/32", or with three digits where it is neither."""
    for number, form in ((step_size, "{}"), (1 / step_size, "1/{}")):
        if number >= 1 and abs(number - round(number)) < 1e-9 * number:
            return form.format(round(number))
    return format_number(step_size)


def _handle(curve: SweepCurve) -> Line2D:
    return Line2D(
        [], [], color=curve.colour or INK, linestyle=curve.line, linewidth=curve.width, marker=curve.marker,
        markersize=4.0, label=plot_text(curve.label),
    )  # fmt: skip


def _caption(result: StepSizeResult, fields: list[FieldGrowth]) -> str:
    """Says what is drawn, with K, T and n."""
    upper = {format_number(field.lipschitz_upper.value, kind="upper", digits=4) for field in fields}
    found = format_sample_size(tuple({point.measured.n for field in fields for point in field.points}))
    return (
        f"Euler's method on untrained fields with K at most {' or '.join(sorted(upper))}, all to "
        f"T = {format_number(result.total_time)}. Dots: the largest growth found by a search from {found} "
        f"states; lines: upper bounds. At equal K and T the bound from K alone rises as h falls, while "
        f"growth falls towards exp(μT) wherever μ is at most 0. All panels have one scale."
    )
