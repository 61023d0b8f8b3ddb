"""The look that figures share, and how a chart becomes a `Figure`: the same bytes for the same records."""

import json
import math
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context
from typing import Any, Final, Literal

import altair as alt

from natrob_empirical.display import Figure
from natrob_empirical.display.formatting import NORM_SIGNS, superscript

BLUE: Final = "#0072b2"
ORANGE: Final = "#d55e00"
GREEN: Final = "#009e73"
PURPLE: Final = "#cc79a7"
GRAY: Final = "#8a8a8a"
PALETTE: Final = (BLUE, ORANGE, GREEN, PURPLE, "#e69f00", "#56b4e9", GRAY)
"""Okabe and Ito's colour-blind-safe palette (jfly.uni-koeln.de/color) with gray for black, to be seen on dark too."""
SHAPES: Final = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right")
HEIGHT: Final = 330
ROOM: Final = 0.36
"""The part of the x axis that a label of three words needs beside a place, on a phone."""

_INKS: Final = {False: ("#1f2328", "#57606a", "#d0d7de"), True: ("#e6edf3", "#9aa4af", "#30363d")}
_ROUNDING: Final = {"lower": ROUND_FLOOR, "upper": ROUND_CEILING}
_ZOOM: Final = {"name": "zoom", "bind": "scales", "select": {"type": "interval", "zoom": "wheel![event.shiftKey]"}}


def look(*, dark: bool = False) -> dict[str, Any]:
    """Vega's configuration for light or dark pages: inks, lines and fonts; no description of a figure holds any."""
    ink, softer, line = _INKS[dark]
    return {
        "background": None,
        "font": "sans-serif",
        "view": {"stroke": None, "continuousWidth": 560, "continuousHeight": HEIGHT},
        "axis": {
            "labelColor": softer, "titleColor": ink, "gridColor": line, "domainColor": softer, "tickColor": softer,
            "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "gridOpacity": 0.6,
        },
        "legend": {"labelColor": ink, "titleColor": ink, "labelFontSize": 12, "labelLimit": 320, "orient": "bottom",
                   "columns": 2, "direction": "vertical", "symbolSize": 90},
        "text": {"color": ink, "fontSize": 12},
        "rule": {"color": softer},
        "line": {"strokeWidth": 2.5},
    }  # fmt: skip


def rows(values: list[dict[str, object]]) -> alt.Data:
    """Data inside the description: a text until the figure is made, since altair looks at every number many times."""
    return alt.Data(values=json.dumps(values))


def drawn(value: float, kind: str = "measured", digits: int = 6) -> float | None:
    """A number for a figure: bounds rounded outward, the rest to the nearest; None for what no axis can hold."""
    if not math.isfinite(value):
        return None
    rounding = _ROUNDING.get(kind, ROUND_HALF_EVEN)
    return float(Context(prec=digits, rounding=rounding).create_decimal(repr(float(value))))


def share_axis(field: str, title: str = "accuracy (share of images)") -> alt.Y:
    """The y axis of accuracies, 0 to 100 %, a little wider so that no point at an end is cut in half."""
    ticks = alt.Axis(format=".0%", values=[0, 0.2, 0.4, 0.6, 0.8, 1])
    return alt.Y(f"{field}:Q", title=title, scale=alt.Scale(domain=[-0.015, 1.03], nice=False), axis=ticks)


def budget_axis(norm: str, end: float, ticks: Sequence[float] | None = None) -> alt.X:
    """The x axis of budgets, the field "epsilon", from 0 to `end`."""
    axis = alt.Axis(tickCount=6, format="~") if ticks is None else alt.Axis(values=list(ticks), format="~")
    title = f"budget ε in {NORM_SIGNS.get(norm, norm)} (pixels from 0 to 1)"
    return alt.X("epsilon:Q", title=title, scale=alt.Scale(domain=[-0.01 * end, end], nice=False), axis=axis)


def log_axis(channel: type[alt.X | alt.Y], field: str, title: str, values: Sequence[float]) -> Any:
    """A log axis for numbers above 0, a little wider than they are, with at most eight powers of ten beside it."""
    low, high = min(values) / 1.6, min(max(values), 1e300) * 1.6
    first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
    powers = range(first, last + 1, max(1, -(-(last - first) // 8)))
    texts = {0: "1", 1: "10", 2: "100"}
    written = json.dumps([texts.get(power, f"10{superscript(power)}") for power in powers], ensure_ascii=False)
    ticks = alt.Axis(
        values=[float(f"1e{power}") for power in powers],
        labelExpr=f"{written}[round((log(datum.value) / LN10 - {first}) / {powers.step})]",
    )
    scale = alt.Scale(type="log", domain=[drawn(low), drawn(high)], nice=False)
    return channel(f"{field}:Q", title=title, scale=scale, axis=ticks)


def tips(**titles: str) -> list[alt.Tooltip]:
    """The lines of a tooltip, field → title; a title that ends with "%" is one of a share, shown in percent."""
    percent, plain = {"type": "quantitative", "format": ".2%"}, {"type": "nominal"}
    kinds: dict[str, Any] = {field: percent if title.endswith("%") else plain for field, title in titles.items()}
    return [alt.Tooltip(field, title=title.rstrip(" %"), **kinds[field]) for field, title in titles.items()]


def plot(data: list[dict[str, object]], x: alt.X, told: Sequence[alt.Tooltip] = (), y: str = "share") -> alt.Chart:
    """A chart of accuracies: its data, its two axes, and its tooltip."""
    drawing = alt.Chart(rows(data)).encode(x=x, y=share_axis(y))
    return drawing.encode(tooltip=list(told)) if told else drawing


def series(
    field: str, names: Sequence[str], *, colours: Sequence[str] = PALETTE, shapes: Sequence[str] = (),
    dashes: Sequence[list[int]] = (),
) -> dict[str, Any]:  # fmt: skip
    """Encodings that tell names apart, by colour and by shape or dash, in turn; the legend of lines shows lines."""
    legend = alt.Undefined if shapes else alt.Legend(symbolType="stroke", symbolStrokeWidth=2.5, symbolSize=300)
    channels = {"color": (alt.Color, colours), "shape": (alt.Shape, shapes), "strokeDash": (alt.StrokeDash, dashes)}
    return {
        name: channel(f"{field}:N", scale=alt.Scale(domain=list(names), range=in_turn), title=None, legend=legend)
        for name, (channel, values) in channels.items()
        if (in_turn := [values[index % len(values)] for index, _ in enumerate(names) if values])
    }


def label(
    x: alt.X, at: float, y: float, text: str | list[str], *, align: Literal["left", "center", "right"] = "left",
    dx: int = 0, dy: int = 0, ink: str = "",
) -> alt.Chart:  # fmt: skip
    """Words at a place of the plane, in the page's ink, or bold in a line's colour."""
    field = str(x["shorthand"]).partition(":")[0]
    drawing = alt.Chart(rows([{field: drawn(at), "share": drawn(y)}]))
    weight, colour = ("bold", ink) if ink else ("normal", alt.Undefined)
    words = drawing.mark_text(text=text, align=align, dx=dx, dy=dy, fontWeight=weight, color=colour)
    return words.encode(x=x, y=share_axis("share"))


def make_figure(
    layers: Sequence[alt.Chart], *, name: str, title: str, alt_text: str, caption: str, height: int = HEIGHT,
    zoom: bool = True,
) -> Figure:  # fmt: skip
    """Lays charts over each other; dragging moves the axes, Shift and the wheel zoom, a double click resets.

    Args:
        layers: with their data inside.
        name: of its files, unique in the site.
        title: a few words, or the finding.
        alt_text: the finding, in one sentence with its number.
        caption: what is drawn.
        height: in pixels; the width is the page's.
        zoom: whether the axes can be moved.
    """
    drawings = [layer.to_dict(validate=False) for layer in layers]
    data: dict[str, str] = {}
    for drawing in drawings:
        del drawing["$schema"], drawing["config"]
        drawing["data"] = {"name": data.setdefault(drawing["data"]["values"], f"data-{len(data) + 1}")}
    if zoom:
        drawings[0]["params"] = [_ZOOM]
    datasets = {name: json.loads(values) for values, name in data.items()}
    size = {"width": "container", "height": height}
    shared = {"encoding": axes} if (axes := _shared_axes(drawings)) else {}
    description = {"$schema": alt.SCHEMA_URL, **size, **shared, "layer": drawings, "datasets": datasets}
    return Figure(name=name, title=title, alt=alt_text, caption=caption, specification=description)


def _shared_axes(drawings: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Takes the axes that all layers have in common out of them, so that a page holds each once."""
    shared: dict[str, Any] = {}
    for axis in ("x", "y"):
        first = drawings[0].get("encoding", {}).get(axis)
        if first is not None and all(drawing.get("encoding", {}).get(axis) == first for drawing in drawings):
            shared[axis] = first
            for drawing in drawings:
                del drawing["encoding"][axis]
    return shared
