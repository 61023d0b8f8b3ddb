"""The state inside an accepted step, as accurate as the step itself."""

import math
from collections.abc import Callable
from typing import Final, NamedTuple

import torch
from torch import Tensor

QUARTIC_NODE: Final = 0.5 - math.sqrt(1.0 / 12.0)
"""Where q′ is largest, q(θ) = θ²(1 − θ)²: there one more slope determines its factor best."""

QUINTIC_DISTANCE: Final = 0.35
"""The two slopes of the quintic are taken at ½ ± this; at ½ ± √0.05 and at 0, ½ and 1 they would determine nothing."""


class StepInterpolant(NamedTuple):
    """y(θ) = y₀ + hf₀θ + c₂θ² + c₃θ³ + θ²(1 − θ)²(α + β(θ − ½)), θ from 0 to 1 over the step; all (batch, *state).

    Cubic Hermite interpolation of both ends, y and f, errs by O(h⁴). The field at its inner points gives slopes whose
    factor h makes a quartic that errs by O(h⁵), and the quartic gives those of a quintic that errs by O(h⁶)
    (bootstrapping; Enright, Jackson, Nørsett, Thomsen, ACM TOMS 12, 1986).
    """

    start: Tensor
    slope: Tensor
    square: Tensor
    cube: Tensor
    alpha: Tensor
    beta: Tensor

    def select(self, indices: Tensor) -> "StepInterpolant":
        """Those of some samples only."""
        return StepInterpolant(*(entry.index_select(0, indices) for entry in self))

    def replaced(self, indices: Tensor, others: "StepInterpolant") -> "StepInterpolant":
        """A copy with others for some samples."""
        return StepInterpolant(
            *(entry.index_copy(0, indices, other) for entry, other in zip(self, others, strict=True))
        )

    def at(self, theta: Tensor) -> Tensor:
        """y(θ) for θ of shape (batch, 1, …)."""
        cubic = self.start + theta * (self.slope + theta * (self.square + theta * self.cube))
        return cubic + (theta * (1.0 - theta)) ** 2 * (self.alpha + self.beta * (theta - 0.5))


def step_interpolant(
    values: tuple[Tensor, Tensor],
    increments: tuple[Tensor, Tensor],
    increment_at: Callable[[float, Tensor], Tensor],
    order: int,
) -> StepInterpolant:
    """The interpolant of a step.

    Args:
        values: y at both ends, (batch, *state).
        increments: h·f at both ends.
        increment_at: h·f at θ and a state there.
        order: of the method; up to 3 the cubic does, at 4 the quartic.
    """
    (start, end), (slope, last) = values, increments
    change = end - start
    square, cube = 3.0 * change - 2.0 * slope - last, slope + last - 2.0 * change
    none = torch.zeros_like(change)
    cubic = StepInterpolant(start, slope, square, cube, none, none)
    if order <= 3:
        return cubic

    def defect(theta: float, guess: StepInterpolant) -> Tensor:
        """h·f along the guess at θ, less the cubic's own slope there."""
        point = guess.at(change.new_full((), theta))
        return increment_at(theta, point) - (slope + theta * (2.0 * square + 3.0 * theta * cube))

    quartic = cubic._replace(alpha=defect(QUARTIC_NODE, cubic) / _bump_slope(QUARTIC_NODE))
    if order == 4:
        return quartic
    one, other = defect(0.5 - QUINTIC_DISTANCE, quartic), defect(0.5 + QUINTIC_DISTANCE, quartic)
    steepness = _bump_slope(0.5 - QUINTIC_DISTANCE)
    height = (0.25 - QUINTIC_DISTANCE**2) ** 2
    alpha = (one - other) / (2.0 * steepness)
    return cubic._replace(alpha=alpha, beta=(one + other) / (2.0 * (height - QUINTIC_DISTANCE * steepness)))


def _bump_slope(theta: float) -> float:
    """q′(θ) = 2θ(1 − θ)(1 − 2θ)."""
    return 2.0 * theta * (1.0 - theta) * (1.0 - 2.0 * theta)
