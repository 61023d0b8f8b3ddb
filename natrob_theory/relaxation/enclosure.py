"""Interval propagation, and what a backward pass may use at every node: intervals, samples, rounding."""

from dataclasses import dataclass, field
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from natrob_theory.numbers.rounding import EPSILON
from natrob_theory.relaxation.graph import ActivationNode, AffineNode, Graph, InputNode, Node, SumNode
from natrob_theory.relaxation.region import AbstractRegion
from natrob_theory.relaxation.sampled_activation import SampledActivation, sampled


@final
@dataclass(kw_only=True, eq=False)
class Enclosure:
    """Bounds of every node on each sample's region, filled in the order of the nodes.

    Attributes:
        region: of the inputs.
        lower, upper: of every node that was reached.
        samples: of every activation, on the interval of what it takes.
        rounding: per node, at least what a backward pass rounds there for each unit of |v_i|.
        level: per node that is the larger of two, the entries at which its upper end bounds it best from above.
    """

    region: AbstractRegion
    lower: dict[int, Float[Tensor, "batch entries"]] = field(default_factory=dict)
    upper: dict[int, Float[Tensor, "batch entries"]] = field(default_factory=dict)
    samples: dict[int, SampledActivation] = field(default_factory=dict)
    rounding: dict[int, Float[Tensor, "batch entries"]] = field(default_factory=dict)
    level: dict[int, Bool[Tensor, "batch entries"]] = field(default_factory=dict)

    def magnitude(self, index: int) -> Tensor:
        """At least |x| at a node."""
        return torch.maximum(self.lower[index].abs(), self.upper[index].abs())

    def of(self, rows: Tensor) -> "Enclosure":
        """Those of some samples."""
        tables = {
            name: {node: value[rows] for node, value in getattr(self, name).items()}
            for name in ("lower", "upper", "rounding", "level")
        }
        samples = {node: value.of(rows) for node, value in self.samples.items()}
        return Enclosure(region=self.region.of(rows), samples=samples, **tables)

    def tighten(self, index: int, lower: Tensor, upper: Tensor) -> None:
        """Intersect a node's interval with another one that holds."""
        self.lower[index] = torch.maximum(self.lower[index], lower)
        self.upper[index] = torch.minimum(self.upper[index], upper)


def propagate(graph: Graph, enclosure: Enclosure, index: int) -> None:
    """Adds a node's interval, rounded outward, from those of its sources; of an activation its samples too.

    Proof: proofs/symbolic/linear_relaxation.py.
    """
    node = graph.nodes[index]
    if isinstance(node, InputNode):
        lower, upper = enclosure.region.lower, enclosure.region.upper
    elif isinstance(node, AffineNode):
        lower, upper = _affine_interval(node, enclosure)
    elif isinstance(node, SumNode):
        lower, upper = _sum_interval(node, enclosure)
        if node.largest_of is not None:
            enclosure.level[index] = _level(node.largest_of, enclosure)
    else:
        samples = sampled(node.module, enclosure.lower[node.source], enclosure.upper[node.source])
        enclosure.samples[index] = samples
        lower, upper = samples.range()
    enclosure.lower[index] = torch.nan_to_num(lower, nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)
    enclosure.upper[index] = torch.nan_to_num(upper, nan=torch.inf, posinf=torch.inf, neginf=-torch.inf)
    enclosure.rounding[index] = rounding_at(graph, enclosure, index)


def _affine_interval(node: AffineNode, enclosure: Enclosure) -> tuple[Tensor, Tensor]:
    """Wm + b ± |W|r of the interval m ± r, and what that rounds."""
    operator, lower, upper = node.operator, enclosure.lower[node.source], enclosure.upper[node.source]
    middle = 0.5 * lower + 0.5 * upper
    half = torch.maximum(upper - middle, middle - lower) * (1.0 + 2 * EPSILON)
    gamma = (operator.terms + 8) * EPSILON + operator.entry_error
    size = operator.magnitude(middle.abs() + half) + operator.bias.abs()
    spread = (operator.magnitude(half) + gamma * size + operator.bias_error) * (1.0 + 2 * gamma)
    moved = operator.product(middle) + operator.bias
    return _outward(moved - spread, moved + spread)


def _sum_interval(node: SumNode, enclosure: Enclosure) -> tuple[Tensor, Tensor]:
    """Σ c_k[l_k, u_k], or the larger one's interval where the sum is the larger of two nodes."""
    if node.largest_of is not None:
        one, other = node.largest_of
        lower = torch.maximum(enclosure.lower[one], enclosure.lower[other])
        return lower, torch.maximum(enclosure.upper[one], enclosure.upper[other])
    lower = upper = size = torch.zeros(())
    for weight, source in node.terms:
        ends = weight * enclosure.lower[source], weight * enclosure.upper[source]
        lower, upper = lower + torch.minimum(*ends), upper + torch.maximum(*ends)
        size = size + abs(weight) * enclosure.magnitude(source)
    error = size * ((len(node.terms) + 8) * EPSILON + node.coefficient_error)
    return _outward(lower - error, upper + error)


def _level(pair: tuple[int, int], enclosure: Enclosure) -> Tensor:
    """Where the upper end of max(a, b) is no higher, at the middles of a and b, than a + the chord of relu(b − a)."""
    (a_low, b_low), (a_high, b_high) = ([ends[node] for node in pair] for ends in (enclosure.lower, enclosure.upper))
    low, high = b_low - a_high, b_high - a_low
    part = high / (high - low)
    chord = (1.0 - part) * 0.5 * (a_low + a_high) + part * 0.5 * (b_low + b_high) - part * low
    return (low < 0) & (high > 0) & (torch.maximum(a_high, b_high) <= chord + 1e-9 * (high - low))


def _outward(lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
    return (
        torch.nextafter(lower, torch.full_like(lower, -torch.inf)),
        torch.nextafter(upper, torch.full_like(upper, torch.inf)),
    )


def rounding_at(graph: Graph, enclosure: Enclosure, index: int) -> Tensor:
    """r with: replacing ⟨v, x⟩ by a sum over the node's sources errs by at most ⟨|v|, r⟩.

    γ counts the products of an entry, the sums over consumers, and the nodes whose constants are added up.
    """
    node = graph.nodes[index]
    longest = max(node.size, node.operator.terms if isinstance(node, AffineNode) else 0)
    gamma = (longest + len(graph.nodes) + graph.most_consumers + 32) * EPSILON
    return _entering(node, enclosure, index, gamma) * (1.0 + 1e-9)


def _entering(node: Node, enclosure: Enclosure, index: int, gamma: float) -> Tensor:
    if isinstance(node, AffineNode):
        operator = node.operator
        size = operator.magnitude(enclosure.magnitude(node.source)) + operator.bias.abs()
        return (gamma + operator.entry_error) * size + operator.bias_error
    if isinstance(node, SumNode):
        size = sum((abs(weight) * enclosure.magnitude(source) for weight, source in node.terms), torch.zeros(()))
        if node.largest_of is not None:
            size = size + enclosure.magnitude(index)  # the upper end by itself
        return (gamma + node.coefficient_error) * size
    if isinstance(node, ActivationNode):
        return gamma * enclosure.samples[index].size()
    return gamma * enclosure.magnitude(index)
