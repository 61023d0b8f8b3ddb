"""The look that figures share, and how a chart becomes a `Figure`: the same bytes for the same records."""

import json
import math
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context
from typing import Any, Final, Literal

import altair as alt

from natrob_empirical.display import Figure
from natrob_empirical.display.formatting import superscript

BLUE: Final = "#0072b2"
ORANGE: Final = "#d55e00"
GREEN: Final = "#009e73"
PURPLE: Final = "#cc79a7"
GRAY: Final = "#8a8a8a"
PALETTE: Final = (BLUE, ORANGE, GREEN, PURPLE, "#e69f00", "#56b4e9", GRAY)
"""Okabe and Ito's colour-blind-safe palette (jfly.uni-koeln.de/color) with gray for black, to be seen on dark too."""
SHAPES: Final = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right")
HEIGHT: Final = 330

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
    """The y axis of accuracies, 0 to 100 %."""
    return alt.Y(f"{field}:Q", title=title, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format=".0%", tickCount=5))


def log_scale(field: str, title: str, low: float, high: float, *, axis: type[alt.X | alt.Y] = alt.X) -> Any:
    """An axis of powers of ten from below `low` to above `high`, both above 0, with at most eight labels."""
    first, last = math.floor(math.log10(low)), max(math.ceil(math.log10(high)), math.floor(math.log10(low)) + 1)
    powers = range(first, last + 1, -(-(last - first) // 8))
    texts = {0: "1", 1: "10", 2: "100"}
    written = json.dumps([texts.get(power, f"10{superscript(power)}") for power in powers], ensure_ascii=False)
    ticks = alt.Axis(
        values=[float(f"1e{power}") for power in powers],
        labelExpr=f"{written}[round((log(datum.value) / LN10 - {first}) / {powers.step})]",
    )
    domain = [float(f"1e{first}"), float(f"1e{last}")]
    return axis(f"{field}:Q", title=title, scale=alt.Scale(type="log", domain=domain, nice=False), axis=ticks)


def label(
    x: alt.X, at: float, y: float, text: str | list[str], *, align: Literal["left", "center", "right"] = "left",
    dx: int = 0, dy: int = 0, bold: bool = False,
) -> alt.Chart:  # fmt: skip
    """Words at a place of the plane, in the page's ink."""
    field = str(x["shorthand"]).partition(":")[0]
    drawing = alt.Chart(rows([{field: drawn(at), "share": drawn(y)}]))
    weight = "bold" if bold else "normal"
    return drawing.mark_text(text=text, align=align, dx=dx, dy=dy, fontWeight=weight).encode(x=x, y=share_axis("share"))


def make_figure(
    layers: Sequence[alt.Chart],
    *,
    name: str,
    title: str,
    alt_text: str,
    caption: str,
    height: int = HEIGHT,
    zoom: bool = True,
) -> Figure:
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
    description = {
        "$schema": alt.SCHEMA_URL,
        "width": "container",
        "height": height,
        "layer": drawings,
        "datasets": {name: json.loads(values) for values, name in data.items()},
    }
    return Figure(name=name, title=title, alt=alt_text, caption=caption, specification=description)
