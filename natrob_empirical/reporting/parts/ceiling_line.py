"""The ceiling of the data as a line over figures of accuracy."""

from typing import Final

import altair as alt

from natrob_empirical.evidence.ceilings import CeilingCurve, ceiling_curve
from natrob_empirical.evidence.run import Run
from natrob_empirical.reporting.parts.chart import PURPLE, drawn, label, plot, tips

CEILING: Final = PURPLE
_DASHES: Final = [4, 3]


def ceiling_layers(run: Run, norm: str, images: int, x: alt.X, end: float) -> list[alt.Chart]:
    """A dashed step curve that no classifier is above, with its name; nothing where no record holds it.

    Args:
        run: with the ceilings of its test images.
        norm: of the axis.
        images: how many of the first ones the figure is about.
        x: the axis of the radii.
        end: of that axis.
    """
    curve = ceiling_curve(run, norm, images)
    if curve is None:
        return []
    steps: list[dict[str, object]] = [
        {"epsilon": drawn(epsilon), "share": drawn(share, "upper")} for epsilon, share in curve.steps(end)
    ]
    told = tips(epsilon="ε from", share="no classifier above %")
    line = plot(steps, x, told).mark_line(
        color=CEILING, strokeDash=_DASHES, strokeWidth=2, interpolate="step-after", clip=True
    )
    return [line, *_name(curve, x, end)]


def ceiling_note(run: Run, norm: str, images: int) -> str:
    """A sentence for captions of figures that have the line; empty for others."""
    return "" if ceiling_curve(run, norm, images) is None else " Dashed: no classifier is above it."


def _name(curve: CeilingCurve, x: alt.X, end: float) -> list[alt.Chart]:
    """Words beside the first step down; along the top there is no room for any."""
    lower = [(epsilon, share) for epsilon, share in curve.steps(end) if share < 0.93]
    if not lower:
        return []
    epsilon, share = lower[0]
    return [label(x, epsilon, share, "no classifier above", align="right", dx=-6, dy=4, ink=CEILING)]
