"""The first step size of each sample."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.adaptive.settings import SolveSettings
from natrob_theory.fields import evaluate_field
from natrob_theory.numbers.tensor_types import Field

BOLDNESS = 5.0
"""The rule below aims at an error of 1 % of the tolerance, and a first step so small costs more than a rejected one:
on 40 residual fields, dense and convolutional, over T = 5, five times its step took 14, 12 and 5 % fewer evaluations at
tolerances 10⁻³, 10⁻⁴ and 10⁻⁶ (mean of the samples), with as many rejections."""


def initial_step_size(
    field: Field, time: Tensor, state: Tensor, slope: Tensor, settings: SolveSettings, *, limit: Tensor, order: int
) -> Float[Tensor, " batch"]:
    """|h| of a first step whose local error is below the tolerance, from one more evaluation; at most `limit`.

    h₀ makes an Euler step change y by 1 % of its size; the second derivative, estimated over h₀, then gives
    h₁ = (0.01/max(d₁, d₂))^{1/k} (Hairer, Nørsett, Wanner, *Solving ODEs I*, II.4, "starting step size"); the result
    is `BOLDNESS` times that.

    Args:
        field, time, state, slope: f, t_0 of shape (batch,), y_0, f(t_0, y_0); the last two without gradients.
        settings: tolerances and direction.
        limit: how far the step may go, (batch,).
        order: k, the order of the error estimate plus one.
    """
    scale = state.abs().mul_(settings.rtol).add_(settings.atol).mul_(math.sqrt(state[0].numel()))
    size, speed = _norm(state / scale), _norm(slope / scale)
    guess = (0.01 * size / speed).masked_fill_(torch.minimum(size, speed) < 1e-5, 1e-6).clamp_max_(limit)
    signed = guess if settings.forward else guess.neg()
    shape = (-1, *[1] * (state.dim() - 1))
    # In the caller's grad mode: a field may differentiate inside itself.
    probe = evaluate_field(field, time + signed, state + signed.to(state.dtype).view(shape) * slope).detach()
    curvature = _norm((probe - slope).div_(scale)) / guess
    steepest = torch.maximum(speed, curvature)
    wanted = (100.0 * steepest).pow_(-1.0 / order)
    flat = (1e-3 * guess).clamp_min_(1e-6)
    wanted = torch.where(steepest <= 1e-15, flat, wanted)
    return torch.minimum(100.0 * guess, wanted).mul_(BOLDNESS).nan_to_num_(nan=1e-6).clamp_max_(limit)


def _norm(values: Tensor) -> Float[Tensor, " batch"]:
    """‖·‖₂ of each sample, in float64."""
    return torch.linalg.vector_norm(values.flatten(1), dim=1).double()
