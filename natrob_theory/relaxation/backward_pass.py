"""Backward linear relaxation: ⟨v, x⟩ of a node as a linear function of the input below it (CROWN).

From the node back to the input every term ⟨v, z⟩ is replaced by what z is made of: an affine map by its matrix, a sum
by its terms, an activation by a line below it where v_i > 0 and by one above it where v_i < 0. What is left, a linear
function of the input and a constant, has its least value on the region in closed form.

Rounding. The computed coefficients are taken as they are: only what one replacement errs by counts, and that is at
most ⟨|v|, r⟩ with r from the intervals of the sources (`Enclosure.rounding`). The sum of these over all nodes is taken
off at the end. So any slopes of lines, and any multipliers, give a bound that holds in exact arithmetic.

Source: Zhang et al., NeurIPS 2018 (CROWN); Xu et al., ICLR 2021 (slopes optimised); Wang et al., NeurIPS 2021
    (multipliers of split neurons).
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.numbers.rounding import EPSILON
from natrob_theory.relaxation.enclosure import Enclosure
from natrob_theory.relaxation.graph import AffineNode, Graph, InputNode, SumNode
from natrob_theory.relaxation.sampled_activation import SampledActivation


class Lines(NamedTuple):
    """Slopes of the lines below and above an activation, within its slopes; (batch, rows or 1, entries)."""

    below: Tensor
    above: Tensor


class Multipliers(NamedTuple):
    """β ≥ 0 of z ≥ lower and of z ≤ upper, for a node whose interval is a condition; (batch, rows or 1, entries)."""

    lower: Tensor
    upper: Tensor


AllLines: TypeAlias = Mapping[int, Lines]
AllMultipliers: TypeAlias = Mapping[int, Multipliers]


class Reached(NamedTuple):
    """A lower bound of each row, and the row's coefficients at the activations on the way."""

    bound: Float[Tensor, "batch rows"]
    coefficients: dict[int, Float[Tensor, "batch rows entries"]]


def lower_bounds(
    graph: Graph,
    enclosure: Enclosure,
    start: int,
    rows: Float[Tensor, "batch rows entries"],
    lines: AllLines,
    multipliers: AllMultipliers | None = None,
    *,
    at_cuts: bool = False,
) -> Reached:
    """At most min ⟨v, x⟩ over the region, x the value of node `start`, for every row v; rounded downward.

    Args:
        graph: the network.
        enclosure: of all nodes before `start`; where its intervals are conditions, on the inputs that meet them.
        start: a node.
        rows: v of each sample.
        lines: of every activation before `start`.
        multipliers: of nodes before `start`: −β(z − lower) and −β(upper − z) are added, each at most 0.
        at_cuts: whether every node that all of the rows pass through is asked too: there the rest of the bound is that
            of its interval, and the best counts. Networks trained by intervals have their best bounds so.

    Proof: proofs/symbolic/linear_relaxation.py.
    """
    pending: dict[int, Tensor] = {start: rows}
    coefficients: dict[int, Tensor] = {}
    constant = allowance = torch.zeros((), dtype=rows.dtype, device=rows.device)
    best = torch.full(rows.shape[:2], -torch.inf, dtype=rows.dtype, device=rows.device)
    for index in range(start, -1, -1):
        v = pending.pop(index, None)
        if v is None:
            continue
        if multipliers is not None and index in multipliers:
            v, value, error = _conditioned(v, multipliers[index], enclosure, index)
            constant, allowance = constant + value, allowance + error
        allowance = allowance + _dot(v.detach().abs(), enclosure.rounding[index])  # too small to be optimised
        if at_cuts and not pending:
            here = constant + _on_interval(v, enclosure, index) - allowance * (1.0 + 1e-9)
            best = torch.maximum(best, torch.nan_to_num(here, nan=-torch.inf))
        node = graph.nodes[index]
        if isinstance(node, InputNode):
            coefficients[index] = v
            constant = constant + enclosure.region.least(v)
        elif isinstance(node, AffineNode):
            constant = constant + v @ node.operator.bias
            _add(pending, node.source, node.operator.transposed(v))
        elif isinstance(node, SumNode):
            if index in enclosure.level:
                at_most = torch.where(enclosure.level[index][:, None], v.clamp_max(0.0), 0.0)
                constant, v = constant + _dot(at_most, enclosure.upper[index]), v - at_most
            for weight, source in node.terms:
                _add(pending, source, weight * v)
        else:
            coefficients[index] = v
            passed, value = _through_lines(v, lines[index], enclosure.samples[index])
            constant = constant + value
            _add(pending, node.source, passed)
    bound = constant - allowance * (1.0 + 1e-9)
    bound = torch.nan_to_num(bound, nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)
    return Reached(torch.maximum(bound, best), coefficients)


def _on_interval(v: Tensor, enclosure: Enclosure, index: int) -> Tensor:
    """At most ⟨v, x⟩ over the node's interval; the products' rounding is taken off."""
    value = _dot(v.clamp_min(0.0), enclosure.lower[index]) + _dot(v.clamp_max(0.0), enclosure.upper[index])
    return value - _dot(v.abs(), enclosure.magnitude(index)) * ((2 * v.shape[2] + 64) * EPSILON)


def _through_lines(v: Tensor, lines: Lines, samples: SampledActivation) -> tuple[Tensor, Tensor]:
    """Coefficients of what the activation takes, and the lines' intercepts."""
    positive, negative = v.clamp_min(0.0), v.clamp_max(0.0)
    passed = positive * lines.below + negative * lines.above
    intercepts = positive * samples.lower_intercept(lines.below) + negative * samples.upper_intercept(lines.above)
    return passed, intercepts.sum(dim=2)


def _conditioned(
    v: Tensor, multipliers: Multipliers, enclosure: Enclosure, index: int
) -> tuple[Tensor, Tensor, Tensor]:
    """v − β_l + β_u, the constant β_l·lower − β_u·upper, and what both round."""
    lower, upper = enclosure.lower[index][:, None], enclosure.upper[index][:, None]
    value = (multipliers.lower * lower - multipliers.upper * upper).sum(dim=2)
    size = (multipliers.lower + multipliers.upper).detach()
    error = _dot(size, enclosure.magnitude(index)) * ((v.shape[2] + 16) * EPSILON)
    return v - multipliers.lower + multipliers.upper, value, error


def _dot(values: Tensor, weights: Float[Tensor, "batch entries"]) -> Tensor:
    return (values @ weights[:, :, None])[:, :, 0]


def _add(pending: dict[int, Tensor], node: int, value: Tensor) -> None:
    pending[node] = pending[node] + value if node in pending else value
