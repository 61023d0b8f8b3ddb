"""Everything that elementwise activations share: their constant is the steepest of their slopes.

Proofs of the slopes: proofs/symbolic/activation_slope_intervals.py, proofs/symbolic/silu_steepest_slope.py,
proofs/symbolic/gelu_steepest_slope.py.
"""

import abc
from collections.abc import Callable

import torch
from torch import Tensor

from natrob_theory.layers.affine import ELEMENTWISE_ERROR
from natrob_theory.layers.answers import AbstractLayer, Described
from natrob_theory.layers.questions import lipschitz_of_layer
from natrob_theory.layers.runs import image_norm
from natrob_theory.layers.statements import Activation, Affine, BallField, Piece, Shape, Slopes
from natrob_theory.numbers.balls import Ball, elementwise
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import EPSILON, times_up


class AbstractActivation(AbstractLayer[Described]):
    """An elementwise function σ: its slopes say everything but what a ball becomes."""

    @abc.abstractmethod
    def slopes(self, lower: Tensor, upper: Tensor) -> Slopes:
        """The range of the secant slopes on [lower, upper], float64, infinite ends allowed; rounded outward."""

    def ball(self, entry: Ball) -> Ball:
        """σ of a ball; without one of its own the activation is refused in balls."""
        raise NotImplementedError

    def kinks(self) -> tuple[float, ...]:
        """Where the slope changes at once, rising; bounds that do not know of one are only looser."""
        return ()

    def output_shape(self, input_shape: Shape) -> Shape:
        """Entry for entry."""
        return input_shape

    def lipschitz(self, input_shape: Shape) -> float:
        """The steepest slope on the whole line."""
        return steepest(self.everywhere())

    def lipschitz_in(self, norm: Norm, input_shape: Shape) -> float:
        """The steepest slope, in every norm: no entry depends on another."""
        return lipschitz_of_layer(self.module, input_shape)

    def reach(self, norm: Norm, sizes: Tensor, input_shape: Shape) -> Tensor:
        """The steepest slope times the sizes."""
        return times_up(sizes, lipschitz_of_layer(self.module, input_shape))

    def everywhere(self) -> Slopes:
        """The slopes on the whole line."""
        line = torch.tensor([torch.inf], dtype=torch.float64, device="cpu")  # numbers even under torch.device("meta")
        return self.slopes(-line, line)

    def pieces(self, input_shape: Shape) -> list[Piece]:
        """σ itself."""
        return [Activation(self.module)]

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """At most 32u(‖y‖ + ‖σ(y)‖)."""
        constant = lipschitz_of_layer(self.module, input_shape)
        return ELEMENTWISE_ERROR * unit * (norm + image_norm(self.module, input_shape, norm, constant))

    def in_balls(self) -> BallField:
        """Entry for entry, whatever the time. Raises BallRefusedError where no enclosure is known."""
        if type(self).ball is AbstractActivation.ball:
            return super().in_balls()
        return lambda _time, state: elementwise(self.ball, state)


def steepest(slopes: Slopes) -> float:
    """The largest size of a slope."""
    return max(float(slopes.high.max()), -float(slopes.low.min()))


def kinked(lower: Tensor, upper: Tensor, *, left: float) -> Slopes:
    """Slopes of a function with slope `left` below 0 and 1 above: those of the halves that the interval meets."""
    below, above = torch.full_like(lower, left), torch.ones_like(upper)
    at_lower, at_upper = torch.where(lower >= 0, above, below), torch.where(upper <= 0, below, above)
    return Slopes(torch.minimum(at_lower, at_upper), torch.maximum(at_lower, at_upper))


def bell(lower: Tensor, upper: Tensor, derivative: Callable[[Tensor], Tensor], *, peak: float) -> Slopes:
    """Slopes between the least and the largest derivative, for a derivative that is even and falls with |x|."""
    far = torch.maximum(lower.abs(), upper.abs())
    near = torch.where((lower <= 0) & (upper >= 0), torch.zeros_like(lower), torch.minimum(lower.abs(), upper.abs()))
    return margined(derivative(far), derivative(near), least=0.0, largest=peak)


def exponential_below_zero(lower: Tensor, upper: Tensor, *, height: float, rate: float, right: float = 1.0) -> Slopes:
    """Slopes of a function whose derivative is height·e^{rate·x} below 0 and `right`, at least 0, above."""
    ends = [height * torch.exp(rate * end.clamp_max(0.0)) for end in (lower, upper)]
    least, largest = torch.minimum(*ends), torch.maximum(*ends)
    above = torch.full_like(lower, right)
    low = torch.where(lower >= 0, above, torch.where(upper > 0, least.clamp_max(right), least))
    high = torch.where(lower >= 0, above, torch.where(upper > 0, largest.clamp_min(right), largest))
    return margined(low, high, least=min(height, 0.0), largest=max(height, right))


def wave(
    lower: Tensor,
    upper: Tensor,
    derivative: Callable[[Tensor], Tensor],
    *,
    turns: tuple[float, float],
    extremes: tuple[float, float],
) -> Slopes:
    """Slopes for a derivative that falls from 0 to its least, rises to its largest and falls to 1, with these turns.

    Beyond |x| = 40 it differs from its limit by less than the margin.
    """
    ends = [derivative(end.clamp(-40.0, 40.0)) for end in (lower, upper)]
    (falls_until, rises_until), (least, largest) = turns, extremes
    margin = 8 * EPSILON * max(abs(turn) for turn in turns)
    holds_least = (lower <= falls_until + margin) & (upper >= falls_until - margin)
    holds_largest = (lower <= rises_until + margin) & (upper >= rises_until - margin)
    low = torch.where(holds_least, least, torch.minimum(*ends))
    high = torch.where(holds_largest, largest, torch.maximum(*ends))
    return margined(low, high, least=least, largest=largest)


def margined(low: Tensor, high: Tensor, *, least: float, largest: float) -> Slopes:
    """The slopes moved apart by more than their evaluation errs, 16u, within what the whole line allows."""
    scale = 8 * EPSILON * max(1.0, abs(least), abs(largest))
    return Slopes((low - scale).clamp(least, largest), (high + scale).clamp(least, largest))
