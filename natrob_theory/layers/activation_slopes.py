"""The slopes an activation can have on an interval; the seam where users add their own activation.

    @activation_slopes.register
    def _(activation: MyActivation, lower: Tensor, upper: Tensor) -> Slopes:
        return Slopes(torch.zeros_like(lower), torch.ones_like(upper))

Interval Jacobians and local Lipschitz bounds rest on this: where an activation's slope is known to be 0 or 1, the
layer is linear there (theory, section 5).

Proofs of the slopes: proofs/symbolic/activation_slope_intervals.py, proofs/symbolic/silu_steepest_slope.py,
proofs/symbolic/gelu_steepest_slope.py.
"""

import math
from collections.abc import Callable
from functools import singledispatch
from typing import NamedTuple

import torch
from torch import Tensor, nn

from natrob_theory.numbers.rounding import EPSILON

SILU_TURN = 2.3993572805154674
"""Where SiLU is steepest: the positive root of 2 + x(1 − 2s(x))."""

SILU_STEEPEST = 1.0998393201289
"""σ' there, rounded up; the least slope is one less it, as σ'(x) + σ'(−x) = 1."""

GELU_STEEPEST = 1.1289041451852
"""Φ(√2) + √2φ(√2), rounded up."""


class Slopes(NamedTuple):
    """Bounds of every secant slope (σ(b) − σ(a))/(b − a) on an interval; float64, of the interval's shape."""

    low: Tensor
    high: Tensor


class ActivationRefusedError(TypeError):
    """An activation whose slopes are not known here; the message names it."""


@singledispatch
def activation_slopes(activation: nn.Module, lower: Tensor, upper: Tensor) -> Slopes:
    """The range of the secant slopes of an elementwise activation on [lower, upper], rounded outward.

    Args:
        activation: the module; it acts on each entry alone.
        lower: left ends, float64, −∞ allowed.
        upper: right ends, at least `lower`, ∞ allowed.

    Raises:
        ActivationRefusedError: no rule is registered for this activation.
    """
    raise ActivationRefusedError(
        f"the slopes of activation {type(activation).__name__} are not known; register them with "
        f"natrob_theory.activation_slopes.register"
    )


@activation_slopes.register
def _(activation: nn.Identity, lower: Tensor, upper: Tensor) -> Slopes:
    return Slopes(torch.ones_like(lower), torch.ones_like(upper))


@activation_slopes.register
def _(activation: nn.ReLU, lower: Tensor, upper: Tensor) -> Slopes:
    return Slopes((lower >= 0).to(lower), (upper > 0).to(upper))


@activation_slopes.register
def _(activation: nn.LeakyReLU, lower: Tensor, upper: Tensor) -> Slopes:
    left, right = torch.full_like(lower, activation.negative_slope), torch.ones_like(upper)
    positive, negative = lower >= 0, upper <= 0
    at_lower, at_upper = torch.where(positive, right, left), torch.where(negative, left, right)
    return Slopes(torch.minimum(at_lower, at_upper), torch.maximum(at_lower, at_upper))


@activation_slopes.register
def _(activation: nn.Hardtanh, lower: Tensor, upper: Tensor) -> Slopes:
    inside = (lower >= activation.min_val) & (upper <= activation.max_val)
    outside = (upper <= activation.min_val) | (lower >= activation.max_val)
    return Slopes(inside.to(lower), 1.0 - outside.to(upper))


@activation_slopes.register
def _(activation: nn.Tanh, lower: Tensor, upper: Tensor) -> Slopes:
    """σ' = 1 − tanh² falls with |x|; each value is off by a few u at most."""
    return _bell(lower, upper, lambda x: 1.0 - torch.tanh(x) ** 2, peak=1.0)


@activation_slopes.register
def _(activation: nn.Sigmoid, lower: Tensor, upper: Tensor) -> Slopes:
    """σ' = s(1 − s) falls with |x|; each value is off by a few u at most."""
    return _bell(lower, upper, lambda x: torch.sigmoid(x) * torch.sigmoid(-x), peak=0.25)


@activation_slopes.register
def _(activation: nn.Softsign, lower: Tensor, upper: Tensor) -> Slopes:
    """σ' = (1 + |x|)⁻² falls with |x|."""
    return _bell(lower, upper, lambda x: (1.0 + x.abs()) ** -2, peak=1.0)


@activation_slopes.register
def _(activation: nn.LogSigmoid, lower: Tensor, upper: Tensor) -> Slopes:
    """σ' = 1/(1 + eˣ) falls."""
    return _margined(torch.sigmoid(-upper), torch.sigmoid(-lower), least=0.0, largest=1.0)


@activation_slopes.register
def _(activation: nn.Tanhshrink, lower: Tensor, upper: Tensor) -> Slopes:
    """σ' = tanh² = 1 − (1 − tanh²): one less a bell."""
    bell = _bell(lower, upper, lambda x: 1.0 - torch.tanh(x) ** 2, peak=1.0)
    return _margined(1.0 - bell.high, 1.0 - bell.low, least=0.0, largest=1.0)


@activation_slopes.register
def _(activation: nn.ELU, lower: Tensor, upper: Tensor) -> Slopes:
    """σ' = αeˣ below 0 and 1 above."""
    return _exponential_below_zero(lower, upper, height=activation.alpha, rate=1.0)


@activation_slopes.register
def _(activation: nn.CELU, lower: Tensor, upper: Tensor) -> Slopes:
    """σ' = e^{x/α} below 0 and 1 above; for a negative α it is unbounded."""
    if activation.alpha <= 0:
        raise ActivationRefusedError(f"the slopes of activation CELU with alpha={activation.alpha} are unbounded")
    return _exponential_below_zero(lower, upper, height=1.0, rate=1.0 / activation.alpha)


@activation_slopes.register
def _(activation: nn.SiLU, lower: Tensor, upper: Tensor) -> Slopes:
    """σ' = s(1 + x(1 − s)), s the sigmoid; σ'' = s(1 − s)(2 + x(1 − 2s)) vanishes at ±`SILU_TURN` alone."""

    def derivative(x: Tensor) -> Tensor:
        return torch.sigmoid(x) * (1.0 + x * torch.sigmoid(-x))

    return _wave(lower, upper, derivative, turn=SILU_TURN, peak=SILU_STEEPEST)


@activation_slopes.register
def _(activation: nn.GELU, lower: Tensor, upper: Tensor) -> Slopes:
    """σ' = Φ(x) + xφ(x); σ'' = φ(x)(2 − x²) vanishes at ±√2 alone. The tanh form is another function and refused."""
    if activation.approximate != "none":
        raise ActivationRefusedError("the slopes of activation GELU with the tanh approximation are not known")

    def derivative(x: Tensor) -> Tensor:
        return torch.special.ndtr(x) + x * torch.exp(-0.5 * x**2) / math.sqrt(2.0 * math.pi)

    return _wave(lower, upper, derivative, turn=math.sqrt(2.0), peak=GELU_STEEPEST)


def _bell(lower: Tensor, upper: Tensor, derivative: Callable[[Tensor], Tensor], *, peak: float) -> Slopes:
    """Slopes between the least and the largest derivative, for a derivative that is even and falls with |x|."""
    far = torch.maximum(lower.abs(), upper.abs())
    near = torch.where((lower <= 0) & (upper >= 0), torch.zeros_like(lower), torch.minimum(lower.abs(), upper.abs()))
    return _margined(derivative(far), derivative(near), least=0.0, largest=peak)


def _exponential_below_zero(lower: Tensor, upper: Tensor, *, height: float, rate: float) -> Slopes:
    """Slopes of a function whose derivative is height·e^{rate·x} below 0 and 1 above."""
    ends = [height * torch.exp(rate * end.clamp_max(0.0)) for end in (lower, upper)]
    least, largest = torch.minimum(*ends), torch.maximum(*ends)
    one = torch.ones_like(lower)
    low = torch.where(lower >= 0, one, torch.where(upper > 0, least.clamp_max(1.0), least))
    high = torch.where(lower >= 0, one, torch.where(upper > 0, largest.clamp_min(1.0), largest))
    return _margined(low, high, least=min(height, 0.0), largest=max(height, 1.0))


def _wave(lower: Tensor, upper: Tensor, derivative: Callable[[Tensor], Tensor], *, turn: float, peak: float) -> Slopes:
    """Slopes for a derivative that falls from 0 to 1 − `peak` at −turn, rises to `peak` at turn and falls to 1.

    Beyond |x| = 40 it differs from its limit by less than the margin.
    """
    ends = [derivative(end.clamp(-40.0, 40.0)) for end in (lower, upper)]
    margin = 8 * EPSILON * turn
    holds_least = (lower <= -turn + margin) & (upper >= -turn - margin)
    holds_largest = (lower <= turn + margin) & (upper >= turn - margin)
    low = torch.where(holds_least, 1.0 - peak, torch.minimum(*ends))
    high = torch.where(holds_largest, peak, torch.maximum(*ends))
    return _margined(low, high, least=1.0 - peak, largest=peak)


def _margined(low: Tensor, high: Tensor, *, least: float, largest: float) -> Slopes:
    """The slopes moved apart by more than their evaluation errs, 16u, within what the whole line allows."""
    scale = 8 * EPSILON * max(1.0, abs(least), abs(largest))
    return Slopes((low - scale).clamp(least, largest), (high + scale).clamp(least, largest))
