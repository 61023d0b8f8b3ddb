"""The sandwich: certified accuracy below, attacked accuracy above, both steps, and the unknown between them."""

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Final

import altair as alt

from natrob_empirical.display import Figure, Part, Table, measured
from natrob_empirical.display.formatting import NORM_SIGNS, format_epsilon, format_number, format_percent
from natrob_empirical.evidence.ceilings import ceiling_curve
from natrob_empirical.evidence.certified_table import certified_panels
from natrob_empirical.evidence.image_bounds import ImageBounds, bounds_of, image_bounds
from natrob_empirical.evidence.run import Model, Run
from natrob_empirical.reporting.parts.ceiling_line import ceiling_layers, ceiling_note
from natrob_empirical.reporting.parts.cells import data_name, key, only, quantity, share, table
from natrob_empirical.reporting.parts.chart import (
    BLUE,
    GRAY,
    ORANGE,
    ROOM,
    budget_axis,
    drawn,
    label,
    make_figure,
    plot,
    rows,
    tips,
)
from natrob_empirical.reporting.parts.step_curve import StepCurve, merged

CERTIFIED: Final = BLUE
ATTACKED: Final = ORANGE
_BANDS: Final = 40
"""The plane is cut into so many bands, each of which tells both bounds when it is pointed at."""


def sandwich(norm: str, run: Run, model: Model) -> Part | None:
    """The sandwich of one model in one norm, with its table; None without attacks or a certificate tried."""
    bounds = bounds_of(model, norm)
    if bounds is None:
        return None
    sign = NORM_SIGNS.get(norm, norm)
    sentences = [f"On the same {len(bounds):,} images the true robust accuracy lies between the two lines."]
    if bounds.refusal:
        sentences.append("There is no certificate, so that the lower line is 0.")
    if bounds.contradictions:
        sentences.append(f"An attack contradicts {measured(str(len(bounds.contradictions)))} certificates: a bug.")
    return Part(
        name=f"sandwich-{norm.lower()}",
        heading=f"Certified and attacked in {sign}",
        sentences=tuple(sentences),
        figure=sandwich_figure(run, bounds, name=key(run, model, what=f"sandwich {norm}")),
        tables=only(_table(run, model, bounds)),
    )


SANDWICHES: Final = (partial(sandwich, "Linf"), partial(sandwich, "L2"))


def best_sandwich(runs: Sequence[Run]) -> Part | None:
    """The sandwich of the network with the largest share certified, averaged over the budgets that were attacked."""
    found = [(run, each) for run in runs for each in image_bounds(run) if max(each.certified_radii) > 0]
    if not found:
        return None
    run, bounds = max(found, key=lambda pair: (_certified_part(pair[1]), len(pair[1])))
    return Part(
        name="sandwich",
        heading="Proved, fooled, and unknown",
        sentences=(f"{bounds.model} has the most certified images of all networks here ({data_name(run)}).",),
        figure=sandwich_figure(run, bounds, name="best-sandwich"),
        more=_table_of_all(runs),
    )


def _table_of_all(runs: Sequence[Run]) -> tuple[tuple[str, str], ...]:
    """The way to the certified page, where the site has one."""
    return (("All certified networks, norms and radii", "certified.html"),) if certified_panels(runs) else ()


def sandwich_figure(run: Run, bounds: ImageBounds, *, name: str) -> Figure:
    """The figure of one model in one norm; `run` holds the ceiling of its images, `name` names the figure's files."""
    sign, data = NORM_SIGNS.get(bounds.norm, bounds.norm), data_name(run)
    low = StepCurve.over(bounds.certified_radii, "lower") if bounds.methods else None
    high, end = StepCurve.over(bounds.found_distances, "upper"), right_end(bounds)
    bands, x = merged(low, high, end), budget_axis(bounds.norm, end)
    ceiling = ceiling_layers(run, bounds.norm, {0.0: len(bounds)}, x, end)
    step = {"interpolate": "step-after", "clip": True}
    known, fooled = plot(bands, x, y="certified"), plot(bands, x, y="attacked")
    layers = [
        known.mark_area(color=GRAY, opacity=0.22, **step).encode(y2="attacked:Q"),
        fooled.mark_line(color=ATTACKED, **step),
        *([known.mark_line(color=CERTIFIED, **step)] if low else []),
        _alone(bounds, end, x),
        _bands(low, high, end, x),
        *_labels(low, high, end, x),
        *ceiling,
    ]  # fmt: skip
    middle = _telling(bounds)
    certified = format_percent(bounds.certified(middle), kind="lower")
    finding = f"at {sign} ε = {format_epsilon(middle)} at least {certified} are certified "
    finding += f"and at most {format_percent(bounds.attacked(middle), kind='upper')} survive the attacks"
    return make_figure(
        layers, name=name, title=f"{bounds.model}: certified and attacked accuracy",
        alt_text=f"{bounds.model} on {len(bounds):,} images of {data}: {finding}.",
        caption=f"Image by image, {len(bounds):,} images of {data}. "
        f"Points: each attack alone.{ceiling_note(ceiling)}",
    )  # fmt: skip


def right_end(bounds: ImageBounds) -> float:
    """Where the axis ends: a little past the last step of both curves, or the last attack that an image survives."""
    values = [value for value in (*bounds.found_distances, *bounds.certified_radii) if math.isfinite(value)]
    if any(map(math.isinf, bounds.found_distances)):
        values += bounds.epsilons
    end = 1.06 * max(values, default=0.0) or max(bounds.epsilons, default=0.0) or 1.0
    return drawn(end, "upper", 3) or 1.0


def _certified_part(bounds: ImageBounds) -> float:
    """The share certified, averaged over the radii above 0 that were attacked."""
    radii = [epsilon for epsilon in bounds.epsilons if epsilon > 0]
    return sum(map(bounds.certified, radii)) / len(radii) if radii else 0.0


def _telling(bounds: ImageBounds) -> float:
    """The attacked radius above 0 at which the two bounds leave most open; the smallest of equals."""
    return max(
        (epsilon for epsilon in bounds.epsilons if epsilon > 0),
        key=lambda epsilon: (bounds.attacked(epsilon) - bounds.certified(epsilon), -epsilon),
        default=0.0,
    )


def _alone(bounds: ImageBounds, end: float, x: alt.X) -> alt.Chart:
    """A point an attack and radius."""
    points = [
        {"epsilon": drawn(epsilon), "left": drawn(left, "upper"), "attack": attack}
        for attack, epsilon, _ in bounds.attacks
        if epsilon <= end and (left := bounds.under(attack, epsilon)) is not None
    ]
    told = tips(attack="attack", epsilon="ε", left="left at most %")
    return plot(points, x, told, "left").mark_point(color=GRAY, size=45, clip=True)


def _bands(low: StepCurve | None, high: StepCurve, end: float, x: alt.X) -> alt.Chart:
    """Invisible bands with what is known of every ε in them: certified at their end, attacked at their start."""
    edges = [end * position / _BANDS for position in range(_BANDS + 1)]
    bands = [
        {
            "epsilon": drawn(start), "to": drawn(stop),
            "budget": f"{format_number(start, digits=3)} to {format_number(stop, digits=3)}",
            "certified": "none" if low is None else format_percent(low.right_of(stop), kind="lower"),
            "attacked": format_percent(high.right_of(start), kind="upper"),
        }
        for start, stop in pairwise(edges)
    ]  # fmt: skip
    told = tips(budget="ε", certified="certified at least", attacked="attacked at most")
    return alt.Chart(rows(bands)).mark_rect(opacity=0, clip=True).encode(x=x, x2="to:Q", tooltip=told)


def _labels(low: StepCurve | None, high: StepCurve, end: float, x: alt.X) -> list[alt.Chart]:
    """Names beside the lines instead of a legend: right of the upper one and left of the lower one if there is room."""
    name, at = "attacked at most", high.crossing(0.62, end)
    roomy = end - at > ROOM * end
    labels = [label(x, at, 0.64, name, dx=8) if roomy else label(x, at, 0.64, name, align="right", dx=-8)]
    start = 0.0
    if low is not None:
        if (at := low.crossing(0.3, end)) > ROOM * end:
            labels.append(label(x, at, 0.2, "certified at least", align="right", dx=-8))
        else:
            labels.append(label(x, low.crossing(0.08, end), 0.1, "certified at least", dx=8))
        start = low.crossing(0.45, end)
    stop = high.crossing(0.45, end)
    if stop - start > 0.25 * end:
        labels.append(label(x, (start + stop) / 2, 0.45, "unknown", align="center"))
    return labels


def _table(run: Run, model: Model, bounds: ImageBounds) -> Table | None:
    """A row a radius: certified, attacked, what lies between, and what no classifier exceeds."""
    attacks = list(dict.fromkeys(attack for attack, _, _ in bounds.attacks))
    curve = ceiling_curve(run, bounds.norm, len(bounds))
    lines = [
        (
            quantity(epsilon), share(bounds.certified(epsilon), "lower"), share(bounds.attacked(epsilon), "upper"),
            share(bounds.attacked(epsilon) - bounds.certified(epsilon), "upper"),
            quantity(bounds.undecided(epsilon)),
            *([share(curve.share(epsilon), "upper")] if curve else []),
            *(share(bounds.under(attack, epsilon), "upper") for attack in attacks),
        )
        for epsilon in bounds.epsilons
    ]  # fmt: skip
    return table(
        key(run, model, what=f"sandwich {bounds.norm}"),
        f"The same {len(bounds):,} images in every column.",
        (
            "ε",
            "Certified at least",
            "Attacked at most",
            "Unknown",
            "Undecided images",
            *(["Ceiling"] if curve else []),
            *attacks,
        ),
        lines,
    )
