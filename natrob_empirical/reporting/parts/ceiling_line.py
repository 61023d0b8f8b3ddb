"""The ceiling of the data as a line over figures of accuracy."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import altair as alt

from natrob_empirical.display.formatting import format_budget
from natrob_empirical.evidence.ceilings import CeilingStep, ceiling_along, ceiling_curve
from natrob_empirical.evidence.run import Run
from natrob_empirical.reporting.parts.chart import PURPLE, drawn, label, plot, rows, share_axis, tips

CEILING: Final = PURPLE
_DASHES: Final = [4, 3]


def ceiling_layers(run: Run, norm: str, images: Mapping[float, int], x: alt.X, end: float) -> list[alt.Chart]:
    """A dashed step curve that no classifier is above, with its name; nothing where no record holds it.

    Args:
        run: with the ceilings of its test images.
        norm: of the axis.
        images: radius → how many of the first ones the figure is about from there on.
        x: the axis of the radii.
        end: of that axis.
    """
    steps = ceiling_along(run, norm, images, end)
    if not steps:
        return []
    points: list[dict[str, object]] = [
        {"epsilon": drawn(step.epsilon), "share": drawn(step.share, "upper"), "n": step.images} for step in steps
    ]
    told = tips(epsilon="ε from", share="no classifier above %", n="images")
    line = plot(points, x, told).mark_line(
        color=CEILING, strokeDash=_DASHES, strokeWidth=2, interpolate="step-after", clip=True
    )
    return [line, *_name(steps, x, end)]


def ceiling_rules(run: Run, places: Iterable[tuple[str, float, int]]) -> list[alt.Chart]:
    """Dashed lines at single ceilings below 1, for figures whose x axis is no radius; nothing where there is none.

    Args:
        run: with the ceilings of its test images.
        places: norm, radius and number of first images of the accuracies in the figure.
    """
    curves = [(norm, epsilon, ceiling_curve(run, norm, images)) for norm, epsilon, images in dict.fromkeys(places)]
    points: list[dict[str, object]] = [
        {"share": drawn(most, "upper"), "budget": format_budget(norm, epsilon), "n": curve.images}
        for norm, epsilon, curve in curves
        if curve is not None and (most := curve.share(epsilon)) < 1
    ]
    told = tips(budget="at", share="no classifier above %", n="images")
    line = alt.Chart(rows(points)).mark_rule(color=CEILING, strokeDash=_DASHES, strokeWidth=2)
    return [line.encode(y=share_axis("share"), tooltip=told)] if points else []


def ceiling_note(layers: Sequence[alt.Chart]) -> str:
    """A sentence for captions of figures that have the line; empty for others."""
    return " Dashed: no classifier is above it." if layers else ""


def _name(steps: Sequence[CeilingStep], x: alt.X, end: float) -> list[alt.Chart]:
    """Words above the line at its right end, where no other line is; along the top there is no room for any."""
    share = next((step.share for step in steps if step.share < 0.93), None)
    if share is None:
        return []
    return [label(x, end, share, "no classifier above", align="right", dx=-4, dy=-8, ink=CEILING)]
