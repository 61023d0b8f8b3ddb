"""Figure 1: perturbations along the network against their bounds, one panel per model, on a log axis."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from matplotlib.typing import LineStyleType

from natrob_empirical.display.formatting import format_number, format_sample_size, superscript
from natrob_empirical.records import Curve
from natrob_empirical.reporting.figure_style import (
    INK,
    ModelStyle,
    ReportFigure,
    first_of_rows,
    legend_below,
    model_styles,
    new_figure,
    plot_text,
    render,
)
from natrob_empirical.reporting.record_groups import ModelRuns, Section

HEADROOM_DECADES: Final = 8  # a bound further above the largest measured value leaves the panel, and its title says so
SHARED_DECADES: Final = 14
_KIND_ORDER: Final = {"measured": 0, "upper": 1, "estimate": 2, "lower": 3}
_FLOOR: Final = 1e-12
_OFF_PANEL: Final = 1e3
_DRAWABLE: Final = 1e200  # matplotlib's own arithmetic overflows not far above


@final
@dataclass(frozen=True, kw_only=True)
class CurveStyle:
    """Line style, width and opacity of a curve; the colour is its model's."""

    line: LineStyleType
    width: float
    opacity: float


def trajectories_figure(
    section: Section, *, name: str = "trajectories", styles: Mapping[str, ModelStyle] | None = None
) -> ReportFigure | None:
    """Every curve of every theory record, or None if there are none.

    Measured curves are solid, bounds from the upper K dashed, bounds from the pair's own secants dotted, e^{tK}
    dash-dotted, estimates thin. Several seeds are drawn over each other.
    """
    models = [model for model in section.models if curves_of(model)]
    if not models:
        return None
    styles = styles or model_styles([section])
    looks = catalogue(models)
    figure, panels = new_figure(len(models))
    limits = {model.label: panel_limits(model) for model in models}
    shared = shared_limits(list(limits.values()))
    for panel, model in zip(panels, models, strict=True):
        _draw_panel(panel, model, looks, styles[model.label].colour, shared or limits[model.label])
    for panel in first_of_rows(panels):
        panel.set_ylabel("growth ‖e(t)‖ / ‖e(0)‖ (no unit)", fontsize=8)
    handles = [
        Line2D(
            [], [], color=INK, linestyle=look.line, linewidth=look.width, alpha=look.opacity, label=_legend_text(*key)
        )
        for key, look in looks.items()
    ]
    legend_below(figure, handles)
    return render(
        figure, name=name, title="Perturbations along the network", caption=_caption(models, shared is not None)
    )


def curves_of(model: ModelRuns) -> list[Curve]:
    """Every curve of the model, seed after seed, that has at least one finite point."""
    curves = [curve for theory in model.theory.values() for curve in theory.curves]
    return [curve for curve in curves if any(map(math.isfinite, curve.values))]


def catalogue(models: list[ModelRuns]) -> dict[tuple[str, str], CurveStyle]:
    """(label, kind) → style for every sort of curve: measured first, then bounds, then estimates."""
    found = {(curve.label, curve.kind): curve for model in models for curve in curves_of(model)}
    looks: dict[tuple[str, str], CurveStyle] = {}
    for key in sorted(found, key=lambda key: (_KIND_ORDER[key[1]], key[0])):
        alike = sum(look.line == curve_style(found[key]).line for look in looks.values())
        looks[key] = curve_style(found[key], rank=alike)
    return looks


def curve_style(curve: Curve, rank: int = 0) -> CurveStyle:
    """The style that says what a curve is; `rank` tells apart several curves of one sort."""
    if curve.kind == "measured":
        return CurveStyle(line="-", width=2.2 if rank == 0 else 1.3, opacity=1.0 if rank == 0 else 0.55)
    line: LineStyleType = "--"
    if re.search(r"secant", curve.label, re.IGNORECASE):
        line = ":"
    elif re.search(r"e\^|exp|eᵗ", curve.label, re.IGNORECASE):
        line = "-."
    if rank:
        gap = 2.0 * rank
        dashes = {":": (1.0, 1.0 + gap), "-.": (6.0, gap, 1.0, gap, 1.0, gap), "--": (7.0, 2.0 + gap)}
        line = (0.0, dashes[line])
    return CurveStyle(line=line, width=0.9 if curve.kind in ("estimate", "lower") else 1.6, opacity=0.9)


def panel_limits(model: ModelRuns) -> tuple[float, float]:
    """The y limits of a model's own panel: all curves, up to `HEADROOM_DECADES` above the largest measured value."""
    curves = curves_of(model)
    values = [value for curve in curves for value in curve.values if 0 < value < _DRAWABLE] or [1.0]
    measured = [
        value for curve in curves if curve.kind == "measured" for value in curve.values if 0 < value < _DRAWABLE
    ]
    top = min(max(values), (max(measured) if measured else min(values)) * 10.0**HEADROOM_DECADES)
    bottom = max(min(values), top * _FLOOR)
    margin = max((math.log10(top) - math.log10(bottom)) * 0.06, 0.02)
    return bottom * 10**-margin, top * 10**margin


def shared_limits(limits: list[tuple[float, float]]) -> tuple[float, float] | None:
    """Common limits if they span at most `SHARED_DECADES` and leave every panel a fifth of the height, else None."""
    low, high = min(low for low, _ in limits), max(high for _, high in limits)
    decades = math.log10(high / low)
    narrowest = min(math.log10(high / low) for low, high in limits)
    return (low, high) if decades <= SHARED_DECADES and narrowest >= decades / 5 else None


def _draw_panel(
    panel: Axes, model: ModelRuns, looks: Mapping[tuple[str, str], CurveStyle], colour: str, limits: tuple[float, float]
) -> None:
    """One model's curves."""
    low, high = limits
    ends: list[float] = []
    for curve in curves_of(model):
        look = looks[curve.label, curve.kind]
        # Values off the panel are pulled in to just outside it: the line leaves the panel, nothing overflows.
        values = np.clip(
            np.nan_to_num(np.asarray(curve.values, dtype=float), posinf=np.inf), low / _OFF_PANEL, high * _OFF_PANEL
        )
        panel.plot(
            curve.times, values, color=colour, linestyle=look.line, linewidth=look.width, alpha=look.opacity,
            marker="." if len(curve.times) <= 2 else None,
        )  # fmt: skip
        finite = [value for value in curve.values if not math.isnan(value)]
        ends += [value for value in finite if value > high]
    panel.set_yscale("log")
    panel.set_ylim(low, high)
    _set_ticks(panel, math.log10(high / low))
    title = plot_text(model.label, width=38)
    if ends:
        title += f"\nbounds leave the panel, up to {format_number(max(ends), kind='upper')}"
    panel.set_title(title, fontsize=8.5, loc="left")
    panel.set_xlabel("time t = Σ h (no unit)", fontsize=8)


def _set_ticks(panel: Axes, decades: float) -> None:
    """Powers of ten, at most about eight; 1, 2 and 5 in between where the panel shows few of them."""
    digits = (1.0, 2.0, 5.0) if decades < 2.5 else (1.0,)
    panel.yaxis.set_major_locator(LogLocator(base=10, subs=digits, numticks=9))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: tick_text(value)))
    panel.yaxis.set_minor_locator(NullLocator())


def tick_text(value: float) -> str:
    """A number of the axis: "0.1", "200", and from ten thousand on "10⁴"."""
    power = round(math.log10(value))
    if power >= 4 and math.isclose(value, 10.0**power):
        return f"10{superscript(power)}"
    return format_number(value)


def _legend_text(label: str, kind: str) -> str:
    """The curve's label with its kind, unless the label says it; e^{x} is written exp(x)."""
    label = re.sub(r"e\^\{([^}]*)\}", r"exp(\1)", label)
    return plot_text(label if kind in label else f"{label} ({kind})", width=46)


def _caption(models: list[ModelRuns], shared: bool) -> str:
    """Says what is drawn, with n and whether the panels have one scale."""
    curves = [curve for model in models for curve in curves_of(model)]
    sizes = format_sample_size(tuple({curve.n for curve in curves if curve.kind == "measured"}))
    text = "Growth of a perturbation along the network, on a logarithmic axis. Solid: measured"
    text += f" ({sizes} pairs)" if sizes else ""
    structure = any("structure" in curve.label for curve in curves)
    text += "; dashed: bound from the upper K" + (", below it from the field's structure too" if structure else "")
    text += "; dotted: bound from the pair's own secant constants; dash-dotted: exp(tK); "
    text += "thin: estimates, which are no bounds. "
    text += "All panels have one scale." if shared else "Each panel has its own scale."
    seeds = max(len(model.theory) for model in models)
    return text + (" Seeds are drawn over each other." if seeds > 1 else "")
