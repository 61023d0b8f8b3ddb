"""Classifiers with adaptive solves under linear relaxation: on fixed grids, with the solves' distance from them.

Every Neural ODE is replaced by the same method on a fixed grid, which is relaxed as any network is. On a ball of images
the features of the network that is certified lie within d of those, where d passes the parts one after the other: a
layer multiplies it by its constant, a solve takes it to C_H(v + Kd) + e^{μT}d + C_h v (`distance_from_fixed_grid`), v
the largest ‖f‖ on the intervals of the states that enter. So each gap is to exceed ‖w_y − w_j‖_* d.

What the passes round is added part by part, as the affine bound does it.
"""

from typing import final

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from natrob_empirical.certification.adaptive_features import (
    AdaptiveBounds,
    AdaptiveStage,
    PassedSolve,
    norm_up,
    passed_from,
)
from natrob_empirical.certification.adaptive_radii import gap_constants, head_rounding
from natrob_empirical.certification.constants import CertificateConstants
from natrob_theory import NeuralODE
from natrob_theory.bounds.adaptive import FlowConstants
from natrob_theory.bounds.adaptive.fixed_grid import constants_of_flow, distance_from_fixed_grid, fixed_grid_form
from natrob_theory.layers.affine import RELATIVE
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import EPSILON, round_up, times_up
from natrob_theory.relaxation import Enclosure, RelaxedNetwork
from natrob_theory.relaxation.bounds_of_network import intervals_of
from natrob_theory.relaxation.graph import Graph
from natrob_theory.relaxation.region import BoxRegion
from natrob_theory.relaxation.unrolling import unrolled_field


@final
class SolvesOnFixedGrids:
    """The parts of a classifier with its solves on fixed grids, and how far the true features can be from theirs.

    Args:
        constants: of a classifier with adaptive solves.
        norm: of the balls of images. Distances of states are in L2 for L2, and else in L∞.

    Raises:
        LayerRefusedError: a field without matrices, or a part without a constant in the norm.
    """

    def __init__(self, constants: CertificateConstants, norm: Norm) -> None:
        assert isinstance(constants.bounds, AdaptiveBounds)
        self._norm: Norm = "L2" if norm == "L2" else "Linf"
        self._stages = constants.bounds.stages
        self._head = constants.model.head
        self._gaps = gap_constants(constants, self._norm)
        self._deployed = None if constants.precision == "exact" else getattr(torch, constants.precision)
        self._passages = tuple(_passage(stage, self._norm) for stage in self._stages)
        self.parts: tuple[nn.Module, ...] = (*(passage.part for passage in self._passages), nn.Flatten(), self._head)

    @torch.no_grad()
    def thresholds(
        self, network: RelaxedNetwork, enclosure: Enclosure, y: Int64[Tensor, " images"]
    ) -> Float[Tensor, "images classes"]:
        """Bounds that the gaps on the fixed grids are to exceed, so that those of the true network are positive.

        Args:
            network: made of `parts`.
            enclosure: of the balls.
            y: labels.

        Source: theory, sections 6 and 8.
        Proof: proofs/symbolic/fixed_grid_distance.py, proofs/coq/adaptive_affine_bound.v,
            proofs/symbolic/native_margins.py.
        """
        distance, size = self._distance(network, enclosure)
        taken = times_up(self._gaps[y], distance[:, None])
        if self._deployed is not None:
            taken = taken + head_rounding(self._head, size, self._deployed)[:, None]
        return round_up(taken, 2)

    @torch.no_grad()
    def complete(self, network: RelaxedNetwork, enclosure: Enclosure) -> Bool[Tensor, " images"]:
        """Whether every solve from every image of the balls is proved to reach its end.

        Proof: proofs/symbolic/completion.py.
        """
        found = torch.ones(len(enclosure.lower[0]), dtype=torch.bool)
        distance = torch.zeros(len(found), dtype=torch.float64)
        for passage, node in zip(self._passages, (0, *network.graph.ends), strict=False):
            if isinstance(passage, _SolvePassage):
                passed, reach = passage.starts(enclosure, node, distance)
                found &= passed.completion(reach, self._deployed or torch.float64).proved
            distance = passage.distance(enclosure, node, distance, self._deployed)
        return found

    def _distance(self, network: RelaxedNetwork, enclosure: Enclosure) -> tuple[Tensor, Tensor]:
        """How far true features are from those on the grids, and their largest L2 norm."""
        distance = torch.zeros(len(enclosure.lower[0]), dtype=torch.float64)
        for passage, node in zip(self._passages, (0, *network.graph.ends), strict=False):
            distance = passage.distance(enclosure, node, distance, self._deployed)
        last = network.graph.ends[len(self._passages) - 1]
        entries = enclosure.lower[last].shape[1]
        longest = entries**0.5 * (1.0 + 2 * EPSILON) if self._norm == "Linf" else 1.0
        return distance, round_up(norm_up(enclosure.magnitude(last)) + distance * longest, 2)


def _passage(stage: AdaptiveStage, norm: Norm) -> "_LayerPassage | _SolvePassage":
    return (_SolvePassage if isinstance(stage.module, NeuralODE) else _LayerPassage)(stage, norm)


@final
class _LayerPassage:
    """A layer, as it is."""

    def __init__(self, stage: AdaptiveStage, norm: Norm) -> None:
        self._stage, self._longest = stage, stage.longest(norm)
        self._lipschitz = float(stage.constants_in(norm)[0])
        self.part = stage.module

    def distance(self, enclosure: Enclosure, node: int, distance: Tensor, deployed: torch.dtype | None) -> Tensor:
        """L·d, and what the layer rounds."""
        moved = times_up(distance, self._lipschitz)
        if deployed is None:
            return moved
        size = norm_up(enclosure.magnitude(node)) + distance * self._longest
        return round_up(moved + self._stage.rounding(round_up(size, 2), deployed), 2)


@final
class _SolvePassage:
    """A Neural ODE, and its method on a fixed grid."""

    def __init__(self, stage: AdaptiveStage, norm: Norm) -> None:
        net = stage.module
        assert isinstance(net, NeuralODE)
        lipschitz, one_sided = stage.constants_in(norm)
        assert one_sided is not None
        self._norm: Norm = norm
        self._net, self._stage, self._longest = net, stage, stage.longest(norm)
        self._constants: FlowConstants = constants_of_flow(net.field, stage.input_shape, lipschitz, one_sided)
        self._field: Graph = unrolled_field(net.field, stage.input_shape)
        self.part = fixed_grid_form(net)

    def distance(self, enclosure: Enclosure, node: int, distance: Tensor, deployed: torch.dtype | None) -> Tensor:
        """C_H(v + Kd) + e^{μT}d + C_h v, and what the solve rounds."""
        box = BoxRegion(lower=enclosure.lower[node], upper=enclosure.upper[node])
        speed = norm_up(intervals_of(self._field, box).magnitude(self._field.output), self._norm)
        moved = distance_from_fixed_grid(self._net, self._constants, speed=speed, distance=distance, norm=self._norm)
        if deployed is None:
            return moved
        passed, reach = self.starts(enclosure, node, distance)
        steps = passed.completion(reach, deployed).most_trials.clamp_max(self._net.max_num_steps)
        return round_up(moved + torch.as_tensor(passed.rounding(self._norm, deployed, steps).at(reach).value), 2)

    def starts(self, enclosure: Enclosure, node: int, distance: Tensor) -> tuple[PassedSolve, Tensor]:
        """The solve from the middle of the states' intervals, and how far any start may be from there in L2."""
        lower, upper = enclosure.lower[node], enclosure.upper[node]
        middle = 0.5 * lower + 0.5 * upper
        half = torch.maximum(upper - middle, middle - lower)
        reach = (norm_up(half) + distance * self._longest) * RELATIVE
        start = middle.view(-1, *self._stage.input_shape)
        return passed_from(self._stage, start, slope=torch.zeros_like(reach), constant=reach), reach
