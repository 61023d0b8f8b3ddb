"""Raw parameters over a power of two, so that a constraint may square them, whatever size they have."""

from typing import NamedTuple

import torch
from torch import Tensor

from natrob_theory.numbers.powers_of_two import exponent_of_largest, times_power_of_two


class ScaledWeight(NamedTuple):
    """V·2^−e with its largest entry in [½, 1), or a smaller one where V is below a floor, zeros among them.

    A constraint W(V) that does not depend on the size of V is computed from this. Its slopes are those of size 1 times
    2^−e, which float numbers cannot hold where V itself is hardly one: hence the floor, the smallest normal number over
    the spacing of the type at 1 (10⁻³¹ in float32). Below it a constraint shrinks V instead, and slopes stay finite.

    Attributes:
        weight: differentiable in V.
        exponent: e, of the whole weight or of each row.
    """

    weight: Tensor
    exponent: Tensor


def scaled_weight(raw: Tensor, dim: tuple[int, ...]) -> ScaledWeight:
    """V over one power of two along these axes."""
    limits = torch.finfo(raw.dtype)
    floor = torch.frexp(torch.tensor(limits.tiny / limits.eps, dtype=torch.float64)).exponent.to(raw.device)
    exponent = exponent_of_largest(raw, dim)
    largest = raw.detach().abs().amax(dim=dim, keepdim=True)
    exponent = torch.where(largest > 0, exponent, floor).clamp_min(floor)
    return ScaledWeight(times_power_of_two(raw, -exponent), exponent)
