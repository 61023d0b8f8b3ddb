"""e^q between fractions: sound, sharp, and decided even where a growth lies next to e^q."""

import math
import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from natrob_theory.numbers.exponential_enclosure import exceeds_exponential, exponential_enclosure


@given(st.fractions(0, 60, max_denominator=1000), st.integers(1, 60))
def test_the_enclosure_of_the_exponential_holds(exponent: Fraction, terms: int) -> None:
    low, high = exponential_enclosure(exponent, terms)
    sharp_low, sharp_high = exponential_enclosure(exponent, 400)
    assert low <= sharp_low <= sharp_high <= high
    assert float(sharp_low) == pytest.approx(math.exp(exponent), rel=1e-13)
    assert exponent == 0 or sharp_high < sharp_low * Fraction(1 + 1e-15)


@pytest.mark.parametrize("exponent", [Fraction(1), Fraction(1, 3), Fraction(7), Fraction(40)])
@pytest.mark.parametrize("terms", [32, 100])
def test_the_ends_of_an_enclosure_are_decided(exponent: Fraction, terms: int) -> None:
    low, high = exponential_enclosure(exponent, terms)
    assert not exceeds_exponential(low, exponent)
    assert exceeds_exponential(high, exponent)


@pytest.mark.parametrize("exponent", [Fraction(1), Fraction(7)])
def test_one_percent_less_is_told_from_e(exponent: Fraction) -> None:
    low, high = exponential_enclosure(exponent)
    assert exceeds_exponential(low * Fraction(101, 100), exponent)
    assert not exceeds_exponential(high * Fraction(99, 100), exponent)


def test_bad_exponents() -> None:
    with pytest.raises(ValueError, match=re.escape("`exponent` must be at least 0, got -1")):
        exponential_enclosure(Fraction(-1))
    with pytest.raises(ValueError, match=re.escape("`exponent` must be greater than 0, got 0.0")):
        exceeds_exponential(Fraction(1), Fraction(0))
    with pytest.raises(ValueError, match=re.escape("`terms` must be at least 1, got 0")):
        exponential_enclosure(Fraction(1), 0)
