"""Exponentials and fractions in float64 never lie below the exact ones."""

import math
from fractions import Fraction

import torch
from hypothesis import given
from hypothesis import strategies as st

from natrob_theory.numbers.exponential_enclosure import exponential_enclosure
from natrob_theory.numbers.outward_exponentials import exponential_quotient_up, exponential_up, fraction_up


@given(st.fractions(-3, 3))
def test_a_fraction_is_rounded_to_the_least_float_above(value: Fraction) -> None:
    above = fraction_up(value)
    assert Fraction(math.nextafter(above, -math.inf)) < value <= Fraction(above)


@given(st.integers(-320, 320))
def test_an_exponential_lies_above_the_exact_one(sixteenths: int) -> None:
    exponent = sixteenths / 16
    above = Fraction(float(exponential_up(torch.tensor(exponent, dtype=torch.float64))))
    low, high = exponential_enclosure(abs(Fraction(exponent)), 100)
    exact_low, exact_high = (low, high) if exponent >= 0 else (1 / high, 1 / low)
    assert exact_high <= above <= exact_low * Fraction(1 + 1e-12)


@given(st.floats(1e-300, 20.0))
def test_a_quotient_lies_above_the_exact_one(exponent: float) -> None:
    above = Fraction(float(exponential_quotient_up(torch.tensor(exponent, dtype=torch.float64))))
    q = Fraction(exponent)
    low, high = exponential_enclosure(q, 96)
    assert (high - 1) / q <= above
    assert above <= (low - 1) / q * Fraction(1 + 1e-13)
    assert above >= 1


def test_limits_of_the_exponentials() -> None:
    numbers = torch.tensor([0.0, 1e4], dtype=torch.float64)
    assert exponential_quotient_up(numbers).tolist() == [1.0, math.inf]
    assert exponential_up(torch.tensor([-1e4, 1e4], dtype=torch.float64)).tolist() == [1e-290, math.inf]
