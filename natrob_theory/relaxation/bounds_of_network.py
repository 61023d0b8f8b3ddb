"""All bounds of a network on regions: intervals first, then backward passes for whatever an activation takes."""

from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.layers.statements import Shape
from natrob_theory.relaxation.backward_pass import Reached, lower_bounds
from natrob_theory.relaxation.enclosure import Enclosure, propagate
from natrob_theory.relaxation.graph import Graph
from natrob_theory.relaxation.optimised_lines import Ascent, ascended, fixed_lines
from natrob_theory.relaxation.region import AbstractRegion
from natrob_theory.relaxation.unrolling import unrolled

ENTRIES_AT_ONCE = 2**23
"""So many entries may the rows of one backward pass have together."""

NO_ASCENT = Ascent(steps=0)


def intervals_of(graph: Graph, region: AbstractRegion) -> Enclosure:
    """Interval propagation through a graph, rounded outward."""
    enclosure = Enclosure(region=region)
    for index in range(len(graph.nodes)):
        propagate(graph, enclosure, index)
    return enclosure


@final
class RelaxedNetwork:
    """A map made of parts, as `unrolled` takes it apart.

    Args:
        parts: one after the other.
        input_shape: of one sample.

    Raises:
        LayerRefusedError: a part that has no linear relaxation.
    """

    def __init__(self, parts: Sequence[nn.Module], input_shape: Shape) -> None:
        self.graph = unrolled(parts, input_shape)
        self.widest = max(node.size for node in self.graph.nodes)

    def intervals(self, region: AbstractRegion) -> Enclosure:
        """Interval propagation alone."""
        return intervals_of(self.graph, region)

    @torch.no_grad()
    def enclosed(self, region: AbstractRegion, ascent: Ascent = NO_ASCENT) -> Enclosure:
        """Intervals, each pre-activation's intersected with its backward bounds, slopes optimised for each of them."""
        enclosure = Enclosure(region=region)
        for index in range(len(self.graph.nodes)):
            propagate(self.graph, enclosure, index)
            if index in self.graph.activated and index > 0:
                self._tighten(enclosure, index, ascent)
        return enclosure

    def _tighten(self, enclosure: Enclosure, index: int, ascent: Ascent) -> None:
        """Backward bounds of the entries at which the activation behind is bent on some sample's interval."""
        bent = self.graph.bent(index, enclosure.lower[index], enclosure.upper[index]).any(dim=0).nonzero()[:, 0]
        if len(bent) == 0:
            return
        size, batch = self.graph.nodes[index].size, len(enclosure.lower[index])
        own_lower, own_upper = enclosure.lower[index].clone(), enclosure.upper[index].clone()
        for some in bent.split(max(1, ENTRIES_AT_ONCE // (2 * batch * self.widest))):
            unit = torch.zeros((len(some), size), dtype=torch.float64)
            unit[torch.arange(len(some)), some] = 1.0
            rows = torch.cat([unit, -unit]).expand(batch, -1, -1)
            lower, upper = self.lower(enclosure, rows, ascent=ascent, start=index).bound.split(len(some), dim=1)
            own_lower[:, some], own_upper[:, some] = lower, -upper
        enclosure.tighten(index, own_lower, own_upper)

    def lower(
        self,
        enclosure: Enclosure,
        rows: Float[Tensor, "batch rows outputs"],
        *,
        ascent: Ascent = NO_ASCENT,
        start: int | None = None,
    ) -> Reached:
        """At most min ⟨v, output⟩ over each sample's region, for every row v of the sample."""
        start = self.graph.output if start is None else start
        lines = fixed_lines(self.graph, enclosure, start)
        fixed = lower_bounds(self.graph, enclosure, start, rows, lines, at_cuts=True)
        if ascent.steps == 0 or not lines:
            return fixed
        found = ascended(self.graph, enclosure, start, rows, lines, ascent)[0]
        return Reached(torch.maximum(fixed.bound, found.bound), found.coefficients)
