"""Where a domain is best cut: at the entries whose lines cost most where the relaxed bound is least.

Let x* be the corner of the box at which the linear lower bound is least. The network's own value at x*, less the bound,
is the sum over all entries of |v_i| times the distance between line and activation at x*, and of what conditions take
off. A cut at an entry removes its part from the half that still holds x*; the other half has lost x*.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.relaxation.backward_pass import Lines
from natrob_theory.relaxation.enclosure import Enclosure
from natrob_theory.relaxation.graph import Graph

EARLIER = 1.3
"""An entry's score counts so much more a layer of activations earlier: a cut there sharpens all later intervals."""

LARGEST = 0.05
"""The part that the largest distance between line and activation has in the score, beside that at x*."""


def branching_scores(
    graph: Graph,
    enclosure: Enclosure,
    lines: dict[int, Lines],
    coefficients: dict[int, Float[Tensor, "domains 1 entries"]],
) -> dict[int, Float[Tensor, "domains entries"]]:
    """How much of the bound the lines at an entry may have cost, by node that an activation takes.

    Args:
        graph, enclosure: of the domains.
        lines: by which the bound was found.
        coefficients: those of the bound at the input and at the activations.
    """
    region = enclosure.region
    values = graph.values(torch.where(coefficients[0][:, 0] > 0, region.lower, region.upper))
    scores = {}
    for place, node in enumerate(graph.activated):
        cost = torch.zeros_like(enclosure.lower[node])
        for index, _ in graph.activations_on(node):
            if index in coefficients:
                at_least = values[node], values[index]
                cost = cost + _cost(coefficients[index][:, 0], lines[index], enclosure, index, at_least)
        scores[node] = cost * EARLIER ** (len(graph.activated) - place)
    return scores


def _cost(
    v: Tensor, lines: Lines, enclosure: Enclosure, index: int, at_least: tuple[Tensor, Tensor]
) -> Float[Tensor, "domains entries"]:
    """|v_i| times the distance between line and function, at x* and at the worst sample; 0 where σ is linear."""
    samples = enclosure.samples[index]
    slopes = lines.below[:, 0], lines.above[:, 0]
    starts = samples.lower_intercept(lines.below)[:, 0], samples.upper_intercept(lines.above)[:, 0]
    below, above = (
        start[:, :, None] + slope[:, :, None] * samples.points for start, slope in zip(starts, slopes, strict=True)
    )
    largest = (samples.high - below).amax(dim=2), (above - samples.low).amax(dim=2)
    point, value = at_least
    here = value - (starts[0] + slopes[0] * point), (starts[1] + slopes[1] * point) - value
    gap_below, gap_above = (LARGEST * most + gap.abs() for most, gap in zip(largest, here, strict=True))
    cost = v.clamp_min(0.0) * gap_below - v.clamp_max(0.0) * gap_above
    return torch.where(samples.bent(), cost, 0.0)
