"""A network as a graph of affine maps, elementwise activations and weighted sums, on flat vectors in float64."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias, final

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from natrob_theory.layers.operators import AbstractOperator, SelectionOperator
from natrob_theory.layers.questions import activation_slopes


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class InputNode:
    """The network's input; always node 0."""

    size: int

    @property
    def sources(self) -> tuple[int, ...]:
        """None."""
        return ()


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class AffineNode:
    """Wx + b of another node."""

    source: int
    operator: AbstractOperator

    @property
    def size(self) -> int:
        """How many outputs there are."""
        return self.operator.outputs

    @property
    def sources(self) -> tuple[int, ...]:
        """x."""
        return (self.source,)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ActivationNode:
    """σ(x), entry for entry, of another node."""

    source: int
    module: nn.Module
    size: int

    @property
    def sources(self) -> tuple[int, ...]:
        """x."""
        return (self.source,)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class SumNode:
    """Σ c_k x_k over other nodes, which may repeat.

    Attributes:
        terms: (c_k, node) for each.
        size: of every x_k.
        coefficient_error: each exact c_k is within this, relatively, of the stored one.
        largest_of: two nodes of which the sum is the larger one, entry for entry; None where it is no such sum.
    """

    terms: tuple[tuple[float, int], ...]
    size: int
    coefficient_error: float
    largest_of: tuple[int, int] | None = None

    @property
    def sources(self) -> tuple[int, ...]:
        """The x_k."""
        return tuple(source for _, source in self.terms)


Node: TypeAlias = InputNode | AffineNode | ActivationNode | SumNode


@final
class Graph:
    """Nodes in an order in which each one's sources come before it; the last is the output.

    Args:
        nodes: all of them.
        ends: the nodes that hold what each part of the network gives, in order.
    """

    def __init__(self, nodes: Sequence[Node], ends: Sequence[int] = ()) -> None:
        self.nodes, self.ends = tuple(nodes), tuple(ends)

    @property
    def output(self) -> int:
        """The index of the output."""
        return len(self.nodes) - 1

    @torch.no_grad()
    def values(self, inputs: Float[Tensor, "batch inputs"]) -> list[Tensor]:
        """Evaluates every node in float64, each of shape (batch, entries); nothing is rounded outward."""
        values: list[Tensor] = []
        for node in self.nodes:
            if isinstance(node, InputNode):
                values.append(inputs)
            elif isinstance(node, AffineNode):
                values.append(node.operator.product(values[node.source]) + node.operator.bias)
            elif isinstance(node, SumNode):
                values.append(torch.stack([weight * values[source] for weight, source in node.terms]).sum(dim=0))
            else:
                values.append(node.module(values[node.source].clone()))
        return values

    @cached_property
    def activations(self) -> tuple[int, ...]:
        """The indices of the activations."""
        return tuple(index for index, node in enumerate(self.nodes) if isinstance(node, ActivationNode))

    @cached_property
    def activated(self) -> tuple[int, ...]:
        """The nodes that some activation takes: those whose bounds decide how tight a relaxation is."""
        return tuple(sorted({self.nodes[index].sources[0] for index in self.activations}))

    def activations_on(self, index: int) -> tuple[tuple[int, nn.Module], ...]:
        """The activations that take this node, by index."""
        nodes = ((place, self.nodes[place]) for place in self.activations)
        return tuple(
            (place, node.module) for place, node in nodes if isinstance(node, ActivationNode) and node.source == index
        )

    def bent(self, index: int, lower: Tensor, upper: Tensor) -> Bool[Tensor, "batch entries"]:
        """Where an activation that takes the node is not linear on the interval."""
        bent = torch.zeros_like(lower, dtype=torch.bool)
        for _, module in self.activations_on(index):
            slopes = activation_slopes(module, lower, torch.maximum(lower, upper))
            bent |= slopes.low < slopes.high
        return bent

    @cached_property
    def most_consumers(self) -> int:
        """How often the most used node is used."""
        uses = [source for node in self.nodes for source in node.sources]
        return max((uses.count(source) for source in set(uses)), default=1)

    def activations_before(self, index: int) -> tuple[int, ...]:
        """The activations that the node depends on."""
        needed = {index}
        for place in range(index, -1, -1):
            if place in needed:
                needed.update(self.nodes[place].sources)
        return tuple(place for place in self.activations if place in needed)


class GraphBuilder:
    """Adds nodes one after the other."""

    def __init__(self, inputs: int) -> None:
        self._nodes: list[Node] = [InputNode(size=inputs)]

    def size(self, index: int) -> int:
        """How many entries a node has."""
        return self._nodes[index].size

    def add(self, node: Node) -> int:
        """The index of the new node."""
        self._nodes.append(node)
        return len(self._nodes) - 1

    def affine(self, source: int, operator: AbstractOperator) -> int:
        """Wx + b."""
        return self.add(AffineNode(source=source, operator=operator))

    def activation(self, source: int, module: nn.Module) -> int:
        """σ(x)."""
        return self.add(ActivationNode(source=source, module=module, size=self.size(source)))

    def largest(self, source: int, entries: Int64[Tensor, "candidates outputs"]) -> int:
        """The largest of some entries, by pairs: max(a, b) = a + relu(b − a)."""
        candidates, inputs, node = entries, self.size(source), source
        while len(candidates) > 1:
            count = len(candidates)
            pairs = torch.tensor([*range(0, count - 1, 2), *([count - 2] if count % 2 else [])])
            first, second = (
                self.affine(node, SelectionOperator(1 + candidates[pairs + one].flatten(), inputs)) for one in (0, 1)
            )
            size = self.size(first)
            rest = self.add(SumNode(terms=((1.0, second), (-1.0, first)), size=size, coefficient_error=0.0))
            terms = ((1.0, first), (1.0, self.activation(rest, nn.ReLU())))
            node = self.add(SumNode(terms=terms, size=size, coefficient_error=0.0, largest_of=(first, second)))
            candidates, inputs = torch.arange(size).view(len(pairs), -1), size
        return node if len(entries) > 1 else self.affine(node, SelectionOperator(1 + entries[0], inputs))

    def graph(self, ends: Sequence[int] = ()) -> Graph:
        """All nodes that were added."""
        return Graph(self._nodes, ends)
