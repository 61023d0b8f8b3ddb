"""The L1 ball: few pixels may change much, or many a little."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import torch
from jaxtyping import Float64
from torch import Tensor

from natrob_empirical.norms import IMPOSSIBLE_RADIUS
from natrob_empirical.random_streams import SampleStreams
from natrob_empirical.threat_models.balls import AbstractBall, Distances, require_pair
from natrob_empirical.threat_models.neighbourhoods import (
    AbstractClippedBall,
    AbstractNeighbourhood,
    Images,
    values_per_sample,
)

_STEP_PART: Final = 20
"""A step of many moves one pixel in so many."""


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
        return math.inf if self._holds_pixels else IMPOSSIBLE_RADIUS * math.prod(shape)

    def distance(self, x: Images, center: Images) -> Distances:
        """`Σ|x_i − c_i|` in float64."""
        require_pair(x, center)
        offset = x.double() - center.double()
        return self._unless_held_pixels_differ(offset.abs().flatten(1).sum(dim=1), offset)

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

    def ascent_step(self, gradient: Images, point: Images) -> Images:
        """`sign(g_i)/q` in the q pixels of the largest `|g_i|` that can still move that way; 0 elsewhere.

        q is a twentieth of the pixels, at least 1. The steepest direction moves one pixel, which soon ends at 0 or 1.

        Source: Tramèr and Boneh, "Adversarial training and robustness for multiple perturbations", NeurIPS 2019.
        """
        stuck = torch.where(gradient > 0, point >= 1, point <= 0)
        flat = self.spread(gradient.masked_fill(stuck, 0.0)).flatten(1)
        count = max(1, flat.shape[1] // _STEP_PART)
        places = flat.abs().topk(count, dim=1).indices
        signs = flat.gather(1, places).sign()
        moved = signs.abs().sum(dim=1, keepdim=True).clamp_min(1.0)
        return torch.zeros_like(flat).scatter(1, places, signs / moved).view_as(gradient)

    def _around(self, center: Images) -> AbstractNeighbourhood:
        return ClippedCrossPolytope(epsilon=self.epsilon, center=center, free=self._free(center))


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ClippedCrossPolytope(AbstractClippedBall):
    """L1 balls; see `L1Ball`."""

    def _shortened(self, offset: Float64[Tensor, "batch *pixels"], target: float) -> tuple[Tensor, Tensor]:
        """The nearest point: min(max(|v_i| − λ, 0), room_i) with the sign of v, λ ≥ 0 the least that fits."""
        flat, center = offset.flatten(1), self.center.double().flatten(1)
        sizes = flat.abs().nan_to_num(nan=0.0, posinf=torch.finfo(torch.float32).max)
        room = torch.where(flat > 0, 1.0 - center, center)
        kept = torch.minimum((sizes - _threshold(sizes, room, self.epsilon)[:, None]).clamp_min(0.0), room)
        total = kept.sum(dim=1)
        shrinks = torch.where(total > target, target / total.where(total > 0, 1.0), 1.0)
        return flat.abs().sum(dim=1), (flat.sign() * kept * shrinks[:, None]).view_as(offset)


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
