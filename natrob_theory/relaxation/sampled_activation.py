"""An activation on intervals, as samples between which it can do no more than its slopes allow.

On a piece [p, q] of width w on which all secant slopes lie in [s, t],

    min σ(x) − ax ≥ min(σ(p) − ap, σ(q) − aq) − (t − s)w/4        for every a.

So with low_k = σ(p_k) less the largest (t − s)w/4 of the pieces that meet there, ax + b with b = min_k (low_k − a p_k)
lies below σ on all of the interval, whatever the slope a: the slopes may be optimised freely. For a function that is
linear between its kinks, the ends and kinks are all samples that are needed, and nothing is lost.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from natrob_theory.layers.activation import AbstractActivation
from natrob_theory.layers.answers import answers_of
from natrob_theory.layers.questions import activation_slopes
from natrob_theory.numbers.rounding import EPSILON

PIECES = 16
"""An interval between kinks is cut into so many where the function is not linear there."""

SLOPES_TRIED = 9
"""How many slopes are compared for the line that is best at the middle."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class SampledActivation:
    """Holds what is known of σ on an interval, for each entry.

    Attributes:
        points: p_k, rising from the lower end to the upper one.
        low, high: no line below all low_k is above σ anywhere, and no line above all high_k is below it.
        slope_low, slope_high: of all secants of the interval.
    """

    points: Float[Tensor, "batch entries samples"]
    low: Float[Tensor, "batch entries samples"]
    high: Float[Tensor, "batch entries samples"]
    slope_low: Float[Tensor, "batch entries"]
    slope_high: Float[Tensor, "batch entries"]

    def of(self, rows: Tensor) -> "SampledActivation":
        """Those of some samples of the batch."""
        return SampledActivation(
            points=self.points[rows],
            low=self.low[rows],
            high=self.high[rows],
            slope_low=self.slope_low[rows],
            slope_high=self.slope_high[rows],
        )

    def lower_intercept(self, slope: Float[Tensor, "batch rows entries"]) -> Float[Tensor, "batch rows entries"]:
        """b with ax + b ≤ σ(x) on the interval, rounded downward.

        Proof: proofs/symbolic/linear_relaxation.py.
        """
        return -self._intercept(slope, -self.low, -1.0)

    def upper_intercept(self, slope: Float[Tensor, "batch rows entries"]) -> Float[Tensor, "batch rows entries"]:
        """b with ax + b ≥ σ(x) on the interval, rounded upward."""
        return self._intercept(slope, self.high, 1.0)

    def _intercept(self, slope: Tensor, values: Tensor, sign: float) -> Tensor:
        """max_k (v_k − sign·a·p_k), rounded upward; its derivative by a is −sign·p at the k that is attained."""
        with torch.no_grad():
            found = point = values.new_zeros(())
            for place in range(self.points.shape[2]):
                here_point = sign * self.points[:, None, :, place]
                here = values[:, None, :, place] - slope * here_point
                larger = here > found if place else torch.ones_like(here, dtype=torch.bool)
                found, point = torch.where(larger, here, found), torch.where(larger, here_point, point)
            value, reach = self._largest
            found = found + 2 * EPSILON * (value + slope.abs() * reach)
        return found + (slope.detach() - slope) * point if slope.requires_grad else found

    @cached_property
    def _largest(self) -> tuple[Tensor, Tensor]:
        """The largest size of a value and of a point, (batch, 1, entries)."""
        value = torch.maximum(self.low.abs(), self.high.abs()).amax(dim=2)[:, None]
        return value, self.points.abs().amax(dim=2)[:, None]

    def range(self) -> tuple[Tensor, Tensor]:
        """Bounds of σ itself."""
        return self.low.amin(dim=2), self.high.amax(dim=2)

    def bent(self) -> Bool[Tensor, "batch entries"]:
        """Where σ is not known to be linear."""
        return self.slope_low < self.slope_high

    def secant(self) -> Float[Tensor, "batch entries"]:
        """The slope between the ends; that of a point is the steepest."""
        width = self.points[:, :, -1] - self.points[:, :, 0]
        middle = 0.5 * (self.low + self.high)
        rise = (middle[:, :, -1] - middle[:, :, 0]) / width
        return torch.where(width > 0, rise, self.slope_high).clamp(self.slope_low, self.slope_high)

    def chords(self) -> tuple[Tensor, Tensor]:
        """Where the line through both ends lies below σ, and where above: there no other line is as tight."""
        slope = self.secant()[:, None]
        start, value = self.points[:, :, 0], 0.5 * (self.low + self.high)[:, :, 0]
        room = 1e-9 * (self.slope_high - self.slope_low) * (self.points[:, :, -1] - start)
        below = self.lower_intercept(slope)[:, 0] >= value - slope[:, 0] * start - room
        above = self.upper_intercept(slope)[:, 0] <= value - slope[:, 0] * start + room
        return below, above

    def best_slopes(self) -> tuple[Tensor, Tensor]:
        """Slopes of a lower and an upper line that are near σ at the middle: least area between line and σ."""
        count = 2 if self.points.shape[2] < PIECES else SLOPES_TRIED
        steps = torch.linspace(0.0, 1.0, count, dtype=torch.float64, device=self.points.device)
        tried = self.slope_low[:, None] + steps[:, None] * (self.slope_high - self.slope_low)[:, None]
        tried = torch.cat([tried, self.secant()[:, None]], dim=1)
        middle = (0.5 * (self.points[:, :, 0] + self.points[:, :, -1]))[:, None]
        lower = (tried * middle + self.lower_intercept(tried)).argmax(dim=1, keepdim=True)
        upper = (tried * middle + self.upper_intercept(tried)).argmin(dim=1, keepdim=True)
        return tried.gather(1, lower)[:, 0], tried.gather(1, upper)[:, 0]

    def size(self) -> Float[Tensor, "batch entries"]:
        """At least |a|·|x| + |b| of every line with a slope between `slope_low` and `slope_high`."""
        steepest = torch.maximum(self.slope_low.abs(), self.slope_high.abs())
        reach = torch.maximum(self.points[:, :, 0].abs(), self.points[:, :, -1].abs())
        value = torch.maximum(self.low.abs(), self.high.abs()).amax(dim=2)
        return 2.0 * steepest * reach + value


def sampled(
    activation: nn.Module, lower: Float[Tensor, "batch entries"], upper: Float[Tensor, "batch entries"]
) -> SampledActivation:
    """σ on [lower, upper]. Raises ActivationRefusedError where its slopes are not known.

    Proof: proofs/symbolic/linear_relaxation.py.
    """
    points = _grid(activation, lower, upper)
    left, right = points[:, :, :-1], points[:, :, 1:]
    slopes = activation_slopes(activation, left.contiguous(), right.contiguous())
    with torch.no_grad():  # it may have weights, and it may work in place
        value = activation(points.clone())
    error = answers_of(activation).evaluation_error(points, value)
    dip = 0.25 * (slopes.high - slopes.low) * (right - left) * (1.0 + 8 * EPSILON)
    none = torch.zeros_like(dip[:, :, :1])
    error = (error + torch.maximum(torch.cat([none, dip], 2), torch.cat([dip, none], 2))) * (1.0 + 4 * EPSILON)
    error = error + 2 * EPSILON * (value.abs() + error)
    everywhere = activation_slopes(activation, lower, upper)
    return SampledActivation(
        points=points,
        low=value - error,
        high=value + error,
        slope_low=everywhere.low,
        slope_high=everywhere.high,
    )


def _grid(activation: nn.Module, lower: Tensor, upper: Tensor) -> Tensor:
    """The ends, the kinks between them, and more between those where σ is not linear."""
    kinks, linear = kinks_of(activation)
    ends = [lower, *(lower.new_tensor(kink).expand_as(lower).clamp(lower, upper) for kink in kinks), upper]
    if linear:
        return torch.stack(ends, dim=2)
    points = [lower]
    for left, right in pairwise(ends):
        for place in range(1, PIECES):
            point = left + (right - left) * (place / PIECES)
            points.append(torch.minimum(torch.maximum(point, points[-1]), right))
        points.append(right)
    return torch.stack(points, dim=2)


def kinks_of(activation: nn.Module) -> tuple[tuple[float, ...], bool]:
    """Where σ changes its slope at once, and whether it is linear between these places."""
    answers = answers_of(activation)
    kinks = answers.kinks() if isinstance(answers, AbstractActivation) else ()
    ends = torch.tensor([-torch.inf, *kinks, torch.inf], dtype=torch.float64)
    slopes = activation_slopes(activation, ends[:-1].clone(), ends[1:].clone())
    return kinks, bool((slopes.low == slopes.high).all())


def cut_of(activation: nn.Module, lower: Float[Tensor, " entries"], upper: Float[Tensor, " entries"]) -> Tensor:
    """Where an interval is best cut: at the kink nearest to its middle, at the middle where there is none inside."""
    middle = 0.5 * lower + 0.5 * upper
    cut, distance = middle, torch.full_like(middle, torch.inf)
    for kink in kinks_of(activation)[0]:
        away = torch.where((lower < kink) & (kink < upper), (middle - kink).abs(), torch.inf)
        cut = torch.where(away < distance, kink, cut)
        distance = torch.minimum(distance, away)
    return cut
