"""Figure 3: does the growth that the theorem bounds explain the accuracy under attack? One point per model."""

import math
from collections.abc import Mapping
from typing import Final

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from natrob_empirical.reporting.figure_style import (
    ModelStyle,
    ReportFigure,
    legend_below,
    model_styles,
    new_figure,
    plot_text,
    render,
)
from natrob_empirical.reporting.findings.comparisons import bound_and_accuracy, growth_points
from natrob_empirical.reporting.label_placement import label_points
from natrob_empirical.reporting.record_groups import ModelRuns, Section
from natrob_empirical.reporting.reference_attack import describe, reference_attack

_PANELS: Final = (
    ("growth_bound", "log10 of the growth bound (upper bound, no unit)"),
    ("measured_growth_largest", "log10 of the largest measured growth (no unit)"),
)
MOST_NAMES: Final = 10
_SIGNS: Final = {math.inf: " (∞)", -math.inf: " (−∞)"}


def correlation_figure(
    section: Section, *, name: str = "bound-accuracy", styles: Mapping[str, ModelStyle] | None = None
) -> ReportFigure | None:
    """Growth bound and measured growth against the accuracy under the reference attack; None without common models."""
    reference = reference_attack(section)
    if reference is None or not growth_points(section, "growth_bound"):
        return None
    styles = styles or model_styles([section])
    figure, panels = new_figure(len(_PANELS), panel_height=3.4)
    panels[0].set_ylabel(f"accuracy (share of images) under\n{plot_text(describe(reference), width=44)}", fontsize=8)
    drawn: list[list[tuple[float, float, str]]] = []
    for panel, (field, axis) in zip(panels, _PANELS, strict=True):
        panel.set_xlabel(axis, fontsize=8)
        drawn.append(_draw_points(panel, growth_points(section, field), styles))
    if len(drawn[0]) > MOST_NAMES:
        models = [model for model, _, _ in growth_points(section, _PANELS[0][0])]
        legend_below(figure, [_handle(model, styles[model.label]) for model in models])
    else:
        for panel, points in zip(panels, drawn, strict=True):
            label_points(figure, panel, points)
    finding = bound_and_accuracy(section)
    caption = "One point per model (mean over its seeds; hollow: infinite). "
    caption += "The accuracy is an upper bound of the robust one. "
    return render(
        figure, name=name, title="Bound against accuracy", caption=caption + (finding.text if finding else "")
    )


def edge_positions(values: list[float]) -> list[float]:
    """Where to draw each value: infinite ones beside the finite range, on their side."""
    finite = [value for value in values if math.isfinite(value)] or [0.0]
    margin = 0.25 * max(max(finite) - min(finite), 1.0)
    edges = {math.inf: max(finite) + margin, -math.inf: min(finite) - margin}
    return [edges.get(value, value) for value in values]


def accuracy_limits(accuracies: list[float]) -> tuple[float, float]:
    """The y range: the accuracies with room for their names, at least 0.3 wide so that noise looks small."""
    low, high = min(accuracies, default=0.0), max(accuracies, default=1.0)
    room = max(0.25 * (high - low), (0.3 - (high - low)) / 2)
    return low - room, high + room


def _handle(model: ModelRuns, style: ModelStyle) -> Line2D:
    """The legend entry of a model, where there are too many for names beside their points."""
    return Line2D([], [], linestyle="none", marker=style.marker, color=style.colour, markersize=6,
                  label=plot_text(model.label, width=40))  # fmt: skip


def _draw_points(
    panel: Axes, points: list[tuple[ModelRuns, float, float]], styles: Mapping[str, ModelStyle]
) -> list[tuple[float, float, str]]:
    """Draw the points and return (x, y, name) of each; an infinite growth is hollow, at the edge, and named so."""
    known = [point for point in points if not math.isnan(point[1]) and not math.isnan(point[2])]
    drawn: list[tuple[float, float, str]] = []
    for (model, growth, accuracy), place in zip(known, edge_positions([x for _, x, _ in known]), strict=True):
        style = styles[model.label]
        panel.plot(
            [place], [accuracy], linestyle="none", marker=style.marker, color=style.colour, markersize=7,
            markerfacecolor=style.colour if math.isfinite(growth) else "white",
        )  # fmt: skip
        drawn.append((place, accuracy, plot_text(model.label, width=26) + _SIGNS.get(growth, "")))
    panel.margins(x=0.25)
    panel.set_ylim(*accuracy_limits([y for _, y, _ in drawn]))
    return drawn
