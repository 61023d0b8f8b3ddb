"""Bounds the first step of an adaptive solve from below: natrob_theory/adaptive/initial_step.py, at its least."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.adaptive.initial_step import BOLDNESS

UNKNOWN = 1e-5
"""Below it the rule takes sizes and speeds for nothing, and guesses."""
GUESS = 1e-6
ROOM = 0.99
"""For the rounding of the rule itself."""


@dataclass(frozen=True, kw_only=True)
class StartRange:
    """Ranges of where a solve may start, as norms of the tolerances: ‖·‖/((atol + rtol|y|)√D).

    Attributes:
        size, speed: at least ‖y_0‖ and ‖f(y_0)‖, (batch,).
        largest_speed: at most ‖f(y_0)‖.
        bend: at most the field's change over the trial piece per unit of time, K v(y_0).
        noise: at most what the difference of the two evaluations rounds.
    """

    size: Float[Tensor, " batch"]
    speed: Float[Tensor, " batch"]
    largest_speed: Float[Tensor, " batch"]
    bend: Float[Tensor, " batch"]
    noise: Float[Tensor, " batch"]


def least_first_step(start: StartRange, *, order: int, duration: float) -> Float[Tensor, " batch"]:
    """A first |h| from below: 5·min(100h₀, (100·max(d₁, d₂))^{−1/k}), h₀ = d₀/(100 d₁), d the norms; at most T.

    Where d₀ or d₁ may be below 10⁻⁵, h₀ may be 10⁻⁶ as well.

    Args:
        start: where the solve may start.
        order: k, the order of the error estimate plus one.
        duration: T − t_0.

    Source: Hairer, Nørsett, Wanner, *Solving ODEs I*, II.4, "starting step size".
    """
    largest_speed = start.largest_speed.clamp_min(1e-300)
    known = (ROOM * start.size >= UNKNOWN) & (ROOM * start.speed >= UNKNOWN)
    by_size = 0.01 * torch.where(known, start.size, UNKNOWN) / largest_speed
    guess = ROOM * torch.where(known, by_size, by_size.clamp_max(GUESS)).clamp_max(duration)
    steepest = torch.maximum(largest_speed, start.bend + start.noise / guess)
    wanted = (100.0 / ROOM * steepest).pow(-1.0 / order)
    wanted = torch.where(known, wanted, wanted.clamp_max(GUESS))
    least = BOLDNESS * torch.minimum(100.0 * guess, wanted)
    return torch.nan_to_num(ROOM * least.clamp_max(duration), nan=0.0, posinf=0.0, neginf=-math.inf).clamp_min(0.0)
