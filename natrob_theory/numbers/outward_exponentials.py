"""e^x and (e^x − 1)/x in float64, rounded outward, and fractions as the least float above them."""

import math
from fractions import Fraction

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.numbers.rounding import EPSILON, SMALLEST_SAFE, round_up


def fraction_up(value: Fraction) -> float:
    """The least float64 at or above a fraction."""
    nearest = float(value)
    return nearest if Fraction(nearest) >= value else math.nextafter(nearest, math.inf)


def exponential_up(exponent: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """At least e^x, elementwise, for an x of either sign that at most four roundings have led to.

    At least 10⁻²⁹⁰, ∞ where it overflows. The exponential itself is taken to be right to one unit in the last place.
    """
    outward = exponent + exponent.abs() * (5 * EPSILON)
    return round_up(torch.exp(outward), 2).clamp_min(SMALLEST_SAFE)


def exponential_quotient_up(exponent: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """At least (e^q − 1)/q, elementwise, for an upper bound q ≥ 0; 1 at q = 0. The quotient increases with q."""
    positive = torch.where(exponent > 0, exponent, 1.0)
    quotient = round_up(torch.expm1(positive) / positive, 4)
    return torch.where(exponent > 0, quotient.clamp_min(1.0), 1.0)
