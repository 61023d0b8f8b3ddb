"""Polynomials and exponential-like power series with nonnegative coefficients, rounded outward."""

from collections.abc import Sequence
from fractions import Fraction
from math import factorial

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.numbers.outward_exponentials import exponential_up, fraction_up
from natrob_theory.numbers.rounding import round_up

TERMS = 24
"""Of a power series; what follows is at most e^a times the next term."""


def polynomial_up(coefficients: Sequence[Fraction], x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """At least the value at x ≥ 0 of a polynomial with nonnegative coefficients in ascending powers."""
    value = torch.zeros_like(x)
    for coefficient in reversed(coefficients):
        value = value * x + fraction_up(coefficient)
    return round_up(value, 4 * len(coefficients) + 2)


def series_up(first: Sequence[Fraction], a: Float[Tensor, "..."], *, offset: int) -> Float[Tensor, "..."]:
    """At least Σ_k c_k a^k at a ≥ 0, with c_k as given for the first powers and 1/(k + offset)! from there on.

    The rest after N = `TERMS` terms is at most a^N e^a/(N + offset)!.
    """
    later = [Fraction(1, factorial(k + offset)) for k in range(len(first), TERMS)]
    rest = fraction_up(Fraction(1, factorial(TERMS + offset))) * a**TERMS * exponential_up(a)
    return round_up(polynomial_up([*first, *later], a) + rest, TERMS + 8)
