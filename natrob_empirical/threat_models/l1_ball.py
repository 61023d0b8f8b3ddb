"""The L1 ball: few pixels may change much, or many a little."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from natrob_empirical.norms import IMPOSSIBLE_RADIUS
from natrob_empirical.random_streams import SampleStreams
from natrob_empirical.threat_models.balls import (
    AbstractBall,
    AbstractNeighbourhood,
    Distances,
    Images,
    require_pair,
    values_per_sample,
)


@final
@dataclass(frozen=True, eq=False, repr=False)
class L1Ball(AbstractBall):
    """`Σ|x_i − c_i| ≤ ε` over all pixels and channels of an image, and `0 ≤ x_i ≤ 1`.

    The projection is the nearest point of the intersection, up to rounding: sizes of differences are lowered by one
    threshold, and cut where the pixel range ends. Pixels that a mask holds are put back first; an image in which one of
    them differs is infinitely far.

    Source: Croce and Hein, "Mind the box", ICML 2021, for the intersection with the pixel range.
    """

    def grey_radius(self, shape: Sequence[int]) -> float:
        """½d; no ball that holds a pixel holds the gray image of every other."""
        held = self.mask is not None and not bool((self.mask > 0).all())
        return math.inf if held else IMPOSSIBLE_RADIUS * math.prod(shape)

    def distance(self, x: Images, center: Images) -> Distances:
        """`Σ|x_i − c_i|` in float64."""
        require_pair(x, center)
        offset = x.double() - center.double()
        distance, shares = offset.abs().flatten(1).sum(dim=1), self.shares(center)
        if shares is None:
            return distance
        return torch.where(((offset != 0) & (shares == 0)).flatten(1).any(dim=1), torch.inf, distance)

    def random_point(self, center: Images, streams: SampleStreams) -> Images:
        """`c + ε·s_i e_i/Σ_{j ≤ d+1} e_j`, signs s and e_j exponential: uniform in the d-ball; then projected.

        d counts the pixels that may change.
        """
        sizes = -torch.log1p(-streams.uniform(*center.shape[1:], dtype=torch.float64))
        signs = torch.where(streams.uniform(*center.shape[1:], dtype=torch.float64) < 0.5, -1.0, 1.0)
        rest = -torch.log1p(-streams.uniform(dtype=torch.float64))
        shares = self.shares(center)
        sizes = sizes if shares is None else sizes * (shares > 0)
        total = sizes.flatten(1).sum(dim=1) + rest.flatten()
        offset = self.epsilon * signs * sizes / values_per_sample(total.clamp_min(torch.finfo(total.dtype).tiny), sizes)
        return self.project((center.double() + offset).to(center.dtype), center)

    def steepest_ascent(self, gradient: Images) -> Images:
        """`sign(g_i)` in the pixel of the largest `|g_i|`, the first of several; 0 elsewhere."""
        flat = self.spread(gradient).flatten(1)
        place = flat.abs().argmax(dim=1, keepdim=True)
        return torch.zeros_like(flat).scatter(1, place, flat.gather(1, place).sign()).view_as(gradient)

    def _around(self, center: Images) -> AbstractNeighbourhood:
        shares = self.shares(center)
        return ClippedCrossPolytope(epsilon=self.epsilon, center=center, free=None if shares is None else shares > 0)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ClippedCrossPolytope(AbstractNeighbourhood):
    """L1 balls of one radius around each image, cut by the pixel range; see `L1Ball`.

    Attributes:
        free: which pixels may change; None lets all.
    """

    epsilon: float
    center: Images
    free: Bool[Tensor, "*pixels"] | None = None

    def project(self, x: Images) -> Images:
        """The nearest point: min(max(|v_i| − λ, 0), cap_i) with the sign of v = x − c, λ ≥ 0 the least that fits."""
        if self.free is not None:
            x = torch.where(self.free, x, self.center)
        center = self.center.double()
        offset = (x.double() - center).flatten(1)
        sizes = offset.abs().nan_to_num(nan=0.0, posinf=torch.finfo(torch.float32).max)
        room = torch.where(offset > 0, 1.0 - center.flatten(1), center.flatten(1))
        threshold = _threshold(sizes, room, self.epsilon)
        kept = torch.minimum((sizes - threshold[:, None]).clamp_min(0.0), room)
        # float64 sums over d entries are off by less than about d·2⁻⁵³, here and where the result is judged.
        target = self.epsilon * (1 - 4 * (sizes.shape[1] + 8) * 2.0**-53)
        total = kept.sum(dim=1)
        shrinks = torch.where(total > target, target / total.where(total > 0, 1.0), 1.0)
        step = (offset.sign() * kept * shrinks[:, None]).view_as(x)
        moved = (center + step).to(x.dtype)
        too_far = (moved.double() - center).abs() > step.abs()
        moved = torch.where(too_far, torch.nextafter(moved, self.center), moved).clamp(0, 1)
        inside = (offset.abs().sum(dim=1) <= self.epsilon) & ((x >= 0) & (x <= 1)).flatten(1).all(dim=1)
        return torch.where(values_per_sample(inside, x) | x.isnan(), x, moved)

    def select(self, index: Int64[Tensor, " chosen"]) -> "ClippedCrossPolytope":
        """The balls of some of the images."""
        return ClippedCrossPolytope(epsilon=self.epsilon, center=self.center[index], free=self.free)


def _threshold(sizes: Tensor, room: Tensor, epsilon: float) -> Tensor:
    """The least λ ≥ 0 with Σ min(max(s_i − λ, 0), room_i) ≤ ε, per sample.

    The sum grows as λ falls, with one more of slope at every s_i and one less at every s_i − room_i; from the largest
    of these numbers downwards it is followed until it reaches ε.
    """
    marks = torch.cat([sizes, (sizes - room).clamp_min(0.0)], dim=1)
    turns = torch.cat([torch.ones_like(sizes), -torch.ones_like(sizes)], dim=1)
    marks, order = marks.sort(dim=1, descending=True)
    slopes = turns.gather(1, order).cumsum(dim=1)
    ends = torch.cat([marks[:, 1:], torch.zeros_like(marks[:, :1])], dim=1)
    sums = (slopes * (marks - ends)).cumsum(dim=1)  # with λ at the end of each stretch
    reached = sums >= epsilon
    first = reached.double().argmax(dim=1, keepdim=True)
    beyond = (sums.gather(1, first) - epsilon) / slopes.gather(1, first).clamp_min(1.0)
    found = (ends.gather(1, first) + beyond)[:, 0]
    return torch.where(reached.any(dim=1), found, 0.0)
