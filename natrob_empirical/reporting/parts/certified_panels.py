"""A panel of the certified table as a picture: a bar a network and radius, proved in blue, undecided in gray."""

import json
from dataclasses import dataclass
from typing import Final, final

import altair as alt

from natrob_empirical.display import Figure
from natrob_empirical.display.formatting import (
    NORM_SIGNS,
    format_budget,
    format_epsilon,
    format_percent,
    format_sample_size,
)
from natrob_empirical.evidence.certified_table import NetworkRow, Panel, Standing
from natrob_empirical.reporting.parts.ceiling_line import CEILING
from natrob_empirical.reporting.parts.cells import data_name, slug
from natrob_empirical.reporting.parts.chart import BLUE, ORANGE, drawn, make_figure, rows, tips

_PROVED, _UNDECIDED = "proved", "undecided"
_UNDECIDED_INK: Final = "#b9bec5"
_UNIT: Final = 11
"""Pixels a bar; a network's name takes two bars."""
_NAME, _MARGIN = 2.0, 0.12


@final
@dataclass(frozen=True, kw_only=True)
class _Bar:
    """One radius of one network, `top` units below the upper edge."""

    row: NetworkRow
    standing: Standing
    top: float


def panel_figure(panel: Panel) -> Figure:
    """Bars from nothing over what is proved to what attacks leave; a line where no classifier is beyond."""
    bars, names, end = _places(panel)
    x, y = _axes(bars, end)
    layers = [
        _shares(bars, x, y),
        _rule([(bar, bar.standing.attacked) for bar in bars], ORANGE, x, y),
        _rule([(bar, bar.standing.ceiling) for bar in bars], CEILING, x, y, whole=True),
        _names(names, x, y),
    ]
    place = panel_place(panel)
    best, standing = leading(panel)
    finding = f"at {format_budget(panel.norm, standing.epsilon)} attacks leave at most "
    finding += f"{format_percent(standing.attacked, kind='upper')} of {best.label}, and at least "
    finding += f"{format_percent(standing.certified, kind='lower')} are proved"
    counts = format_sample_size(tuple(row.images for row in panel.rows))
    return make_figure(
        layers, name=slug("certified", panel.dataset, panel.norm), title="Proved, undecided, fallen",
        alt_text=f"{place}: {finding}.",
        caption="A bar a radius. Blue: at least this share is proved. Orange: attacks leave no more. Between them: "
        f"undecided. Right of orange: fallen. Purple: no classifier exceeds it. {counts}.",
        height=round(_UNIT * end), zoom=False,
    )  # fmt: skip


def panel_place(panel: Panel) -> str:
    """Data set and norm in words."""
    return f"{data_name(panel.rows[0].run)} in {NORM_SIGNS.get(panel.norm, panel.norm)}"


def leading(panel: Panel) -> tuple[NetworkRow, Standing]:
    """The network and radius at which a proved share is farthest above what attacks leave of another network."""

    def lead(place: tuple[NetworkRow, Standing]) -> tuple[float, float]:
        epsilon = place[1].epsilon
        left = min(each.attacked for row in panel.rows if (each := row.at(epsilon)))
        return (place[1].certified - left, -epsilon)

    return max(((row, standing) for row in panel.rows for standing in row.standings), key=lead)


def _places(panel: Panel) -> tuple[list[_Bar], list[tuple[NetworkRow, float]], float]:
    """Every bar, every name, and the height of all, in units."""
    bars, names, top = [], [], 0.0
    for row in panel.rows:
        names.append((row, top))
        top += _NAME
        for standing in row.standings:
            bars.append(_Bar(row=row, standing=standing, top=top))
            top += 1.0
    return bars, names, top + 0.3


def _axes(bars: list[_Bar], end: float) -> tuple[alt.X, alt.Y]:
    """Shares from left to right; radii as the labels of the bars."""
    ticks = alt.Axis(format=".0%", values=[0, 0.2, 0.4, 0.6, 0.8, 1])
    x = alt.X("x:Q", title="share of test images", scale=alt.Scale(domain=[0, 1.01], nice=False), axis=ticks)
    texts = {f"{bar.top + 0.5:g}": format_epsilon(bar.standing.epsilon) for bar in bars}
    radii = alt.Axis(
        values=[bar.top + 0.5 for bar in bars],
        labelExpr=f"{json.dumps(texts)}[datum.value]",
        labelFontSize=10,
        labelOverlap=False,
        grid=False,
        ticks=False,
        domain=False,
    )
    scale = alt.Scale(domain=[0, end], nice=False, reverse=True)
    return x, alt.Y("y:Q", title="radius ε", scale=scale, axis=radii)


def _shares(bars: list[_Bar], x: alt.X, y: alt.Y) -> alt.Chart:
    """The proved share in blue, then the undecided one in gray."""
    data: list[dict[str, object]] = []
    for bar in bars:
        low, high = drawn(bar.standing.certified, "lower"), drawn(bar.standing.attacked, "upper")
        told = {
            "network": bar.row.label, "epsilon": format_epsilon(bar.standing.epsilon), "n": bar.row.images,
            "certified": low, "attacked": high, "open": bar.standing.undecided,
        }  # fmt: skip
        edges = {"y": bar.top + _MARGIN, "y2": bar.top + 1 - _MARGIN}
        for what, start, stop in ((_PROVED, 0, low), (_UNDECIDED, low, high)):
            if start != stop:
                data.append({"x": start, "x2": stop, "what": what, **edges, **told})
    colour = alt.Color(
        "what:N",
        title=None,
        scale=alt.Scale(domain=[_PROVED, _UNDECIDED], range=[BLUE, _UNDECIDED_INK]),
        legend=alt.Legend(orient="top", columns=2),
    )
    lines = tips(network="network", epsilon="ε", certified="proved at least %", attacked="attacks leave at most %",
                 open="undecided images", n="images")  # fmt: skip
    return alt.Chart(rows(data)).mark_rect().encode(x=x, x2="x2:Q", y=y, y2="y2:Q", color=colour, tooltip=lines)


def _rule(
    shares: list[tuple[_Bar, float | None]], colour: str, x: alt.X, y: alt.Y, *, whole: bool = False
) -> alt.Chart:
    """An upright line at a share of each bar; over the whole of its place where lines of neighbours are to meet."""
    margin = 0.0 if whole else _MARGIN
    data: list[dict[str, object]] = [
        {"x": drawn(share, "upper"), "y": bar.top + margin, "y2": bar.top + 1 - margin}
        for bar, share in shares
        if share is not None
    ]
    return alt.Chart(rows(data)).mark_rule(color=colour, strokeWidth=2).encode(x=x, y=y, y2="y2:Q")


def _names(names: list[tuple[NetworkRow, float]], x: alt.X, y: alt.Y) -> alt.Chart:
    """Each network's name above its bars."""
    data: list[dict[str, object]] = [{"x": 0, "y": top + _NAME / 2, "name": row.label} for row, top in names]
    words = alt.Chart(rows(data)).mark_text(align="left", baseline="middle", dy=2, fontWeight="bold")
    return words.encode(x=x, y=y, text="name:N")
