"""Perturbations along one network: measured, and what the bounds allow, on a log axis."""

import math
from typing import Final

import altair as alt

from natrob_empirical.display import Part, measured
from natrob_empirical.display.formatting import clean_text, format_number
from natrob_empirical.evidence.run import Model, Run
from natrob_empirical.records import Curve
from natrob_empirical.reporting.parts.cells import key
from natrob_empirical.reporting.parts.chart import drawn, log_axis, make_figure, rows, series, tips

_REACH: Final = 1e8
"""Bounds so many times above the largest measured value leave the figure; the table of constants has their values."""
_DASHES: Final = {"measured": [1, 0], "upper": [6, 3], "estimate": [2, 3], "lower": [8, 2, 2, 2]}


def growth_curves(run: Run, model: Model) -> Part | None:
    """The curves of the record; None without any measured one."""
    curves = [curve for curve in (model.theory.curves if model.theory else ()) if any(v > 0 for v in curve.values)]
    largest = max((v for c in curves if c.kind == "measured" for v in c.values if math.isfinite(v)), default=0.0)
    if model.theory is None or largest <= 0:
        return None
    theory = model.theory
    grown, bound = theory.measured_growth_largest, theory.growth_bound
    finding = f"perturbations grow at most {format_number(grown.value)} times in what was measured"
    figure = make_figure(
        [_lines(curves, largest)], name=key(run, model, what="growth"),
        title="Growth of perturbations along the network",
        alt_text=f"{model.label}: {finding}; the bound allows {format_number(bound.value, kind='upper')} times.",
        caption="Solid: measured. Dashed: proved. Dotted: estimates. Lines that leave the top are bounds far above.",
    )  # fmt: skip
    sentences = (
        f"The largest growth measured is {measured(format_number(grown.value))}, over {grown.n or 0:,} pairs.",
        f"The proved bound is {measured(format_number(bound.value, kind='upper'))}.",
    )
    return Part(name="growth", heading="Growth along the network", sentences=sentences, figure=figure)


def _lines(curves: list[Curve], largest: float) -> alt.Chart:
    """A line a curve, a point a step; values of 0 and far above what was measured are left out."""
    top = largest * _REACH
    shown = [
        {"time": drawn(time), "growth": drawn(min(value, 1e300), curve.kind, 4), "curve": clean_text(curve.label),
         "value": format_number(value, kind=curve.kind)}
        for curve in curves
        for time, value in zip(curve.times, curve.values, strict=True)
        if value > 0
    ]  # fmt: skip
    names = [clean_text(curve.label) for curve in curves]
    inside = [value for curve in curves for value in curve.values if 0 < value <= top]
    line = alt.MarkDef(type="line", strokeWidth=2, clip=True, point=alt.OverlayMarkDef(size=30, filled=True))
    return alt.Chart(rows(shown), mark=line).encode(
        x=alt.X("time:Q", title="time t in the network"),
        y=log_axis(alt.Y, "growth", "growth of a perturbation", inside),
        **series("curve", names, dashes=[_DASHES[curve.kind] for curve in curves]),
        tooltip=tips(curve="curve", time="t", value="growth"),
    )
