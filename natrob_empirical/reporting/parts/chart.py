"""The look that figures share, and how a chart becomes a `Figure`: the same bytes for the same records."""

import json
import math
import re
from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context
from typing import Any, Final, TypeAlias

import altair as alt

from natrob_empirical.display import Figure

Chart: TypeAlias = alt.Chart | alt.LayerChart
Row: TypeAlias = Mapping[str, object]

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
_NAMES: Final = re.compile(r"(param|view)_[0-9a-f]+(?:_\d+)?")


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
    }  # fmt: skip


def rows(values: list[dict[str, object]]) -> alt.Data:
    """Data inside the description."""
    return alt.Data(values=values)


def drawn(value: float, kind: str = "measured", digits: int = 6) -> float | None:
    """A number for a figure: bounds rounded outward, the rest to the nearest; None for what no axis can hold."""
    if not math.isfinite(value):
        return None
    rounding = _ROUNDING.get(kind, ROUND_HALF_EVEN)
    return float(Context(prec=digits, rounding=rounding).create_decimal(repr(float(value))))


def share_axis(field: str, title: str = "accuracy (share of images)") -> alt.Y:
    """The y axis of accuracies, 0 to 100 %."""
    return alt.Y(f"{field}:Q", title=title, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format=".0%", tickCount=5))


def make_figure(
    chart: Chart, *, name: str, title: str, alt_text: str, caption: str, height: int = HEIGHT, zoom: bool = True
) -> Figure:
    """Sizes a chart, lets it be dragged and, with Shift and the wheel, zoomed; a double click resets it.

    Args:
        chart: with its data inside.
        name: of its files, unique in the site.
        title: a few words, or the finding.
        alt_text: the finding, in one sentence with its number.
        caption: what is drawn.
        height: in pixels; the width is the page's.
        zoom: whether the axes can be moved.
    """
    if zoom:
        chart = chart.add_params(alt.selection_interval(bind="scales", zoom="wheel![event.shiftKey]", name="zoom"))
    described = chart.properties(width="container", height=height).to_dict()
    described.pop("config", None)
    return Figure(name=name, title=title, alt=alt_text, caption=caption, specification=_renamed(described))


def _renamed(description: dict[str, Any]) -> dict[str, Any]:
    """Counts altair's own names from 1 in every figure; they count on through a process."""
    names: dict[str, str] = {}
    text = json.dumps(description)
    return json.loads(_NAMES.sub(lambda found: names.setdefault(found[0], f"{found[1]}-{len(names) + 1}"), text))
