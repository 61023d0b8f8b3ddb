"""Growth polynomials at x = hK: in float64 rounded outward, and in balls."""

from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor

from natrob_theory.numbers.balls import Ball, ball
from natrob_theory.numbers.rounding import round_up


def polynomial_up(coefficients: Sequence[Fraction], x: Tensor) -> Tensor:
    """The polynomial with nonnegative coefficients in ascending powers, by Horner's rule, rounded outward.

    Args:
        coefficients: exact.
        x: nonnegative, float64.
    """
    last = float(coefficients[-1])
    value, roundings = torch.full_like(x, last), _rounding(coefficients[-1])
    for place, entry in enumerate(reversed(coefficients[:-1])):
        roundings += 0 if place == 0 and last == 1.0 else 1
        value = value * x
        if entry != 0:
            value = value + float(entry)
            roundings = max(roundings, _rounding(entry)) + 1
    return round_up(value, roundings)


def _rounding(entry: Fraction) -> int:
    """1 where no float64 is this fraction."""
    return int(Fraction(float(entry)) != entry)


def polynomial_in_balls(coefficients: Sequence[Fraction], x: Ball) -> Ball:
    """The polynomial enclosed at the working precision."""
    value = ball(coefficients[-1])
    for entry in reversed(coefficients[:-1]):
        value = value * x + ball(entry)
    return value


def in_words(coefficients: Sequence[Fraction], symbol: str) -> str:
    """The polynomial as it is printed, 1 + x + x²/2; zero coefficients are left out."""
    terms = [_term(entry, power, symbol) for power, entry in enumerate(coefficients) if entry != 0]
    return " + ".join(terms) if terms else "0"


def _term(entry: Fraction, power: int, symbol: str) -> str:
    if power == 0:
        return str(entry)
    raised = symbol if power == 1 else symbol + str(power).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    factor = "" if entry.numerator == 1 else f"{entry.numerator}"
    return f"{factor}{raised}" if entry.denominator == 1 else f"{factor}{raised}/{entry.denominator}"
