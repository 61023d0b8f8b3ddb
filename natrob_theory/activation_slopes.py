"""The slopes an activation can have on an interval; the seam where users add their own activation.

    @activation_slopes.register
    def _(activation: MyActivation, lower: Tensor, upper: Tensor) -> Slopes:
        return Slopes(torch.zeros_like(lower), torch.ones_like(upper))

Interval Jacobians and local Lipschitz bounds rest on this: where an activation's slope is known to be 0 or 1, the
layer is linear there (theory, section 5).
"""

from collections.abc import Callable
from functools import singledispatch
from typing import NamedTuple

import torch
from torch import Tensor, nn

from natrob_theory.rounding import EPSILON


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


def _bell(lower: Tensor, upper: Tensor, derivative: Callable[[Tensor], Tensor], *, peak: float) -> Slopes:
    """Slopes between the least and the largest derivative, for a derivative that is even and falls with |x|."""
    far = torch.maximum(lower.abs(), upper.abs())
    near = torch.where((lower <= 0) & (upper >= 0), torch.zeros_like(lower), torch.minimum(lower.abs(), upper.abs()))
    return Slopes(
        (derivative(far) - 8 * EPSILON).clamp(0.0, peak),
        (derivative(near) + 8 * EPSILON).clamp(0.0, peak),
    )
