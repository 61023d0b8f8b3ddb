"""e^q between two fractions, so that "grows by more than e^{KT}" is decided without a float."""

import math
from fractions import Fraction

from natrob_theory.numbers.argument_checks import require_count, require_positive


def exponential_enclosure(exponent: Fraction, terms: int = 32) -> tuple[Fraction, Fraction]:
    """Fractions around e^q for q ≥ 0: Taylor's sum, and the sum plus a geometric bound of its rest.

    The rest after q^N/N! is at most q^{N+1}/(N+1)! · Σ (q/(N + 2))^k, which needs N + 2 > q; N is raised to 2q.

    Raises:
        ValueError: q < 0.
    """
    if exponent < 0:
        raise ValueError(f"`exponent` must be at least 0, got {exponent}")
    count = max(require_count("terms", terms), 2 * math.ceil(exponent))
    term = total = Fraction(1)
    for k in range(1, count + 1):
        term = term * exponent / k
        total += term
    rest = term * exponent / (count + 1) / (1 - exponent / (count + 2))
    return total, total + rest


def exceeds_exponential(growth: Fraction, exponent: Fraction) -> bool:
    """Whether growth > e^q for q > 0, proved either way.

    e^q is irrational for a rational q > 0, so an enclosure that is narrow enough has the growth on one side.
    """
    require_positive("exponent", exponent)
    terms = 32
    while True:
        low, high = exponential_enclosure(exponent, terms)
        if growth >= high:
            return True
        if growth <= low:
            return False
        terms *= 2
