import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from natrob_theory.numbers.rounding import EPSILON, product_up, raised_to_normal, round_up, times_up, unit_roundoff

# Away from overflow and underflow, where the relative error of a rounding is bounded.
positive = st.floats(1e-30, 1e30)


def double(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)


@given(st.lists(positive, min_size=1, max_size=8))
def test_rounded_sums_are_never_below_the_exact_sum_and_close(numbers: list[float]) -> None:
    computed = double(0.0)
    for number in numbers:
        computed = computed + number
    exact = sum(map(Fraction, numbers), Fraction(0))
    rounded = Fraction(float(round_up(computed, len(numbers))))
    assert exact <= rounded <= exact * (1 + Fraction(1e-13))


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=8))
def test_rounded_products_are_never_below_the_exact_product_and_close(numbers: list[float]) -> None:
    computed, exact = double(1.0), Fraction(1)
    for number in numbers:
        computed = computed * number
        exact *= Fraction(number)
    rounded = Fraction(float(round_up(computed, len(numbers))))
    assert exact <= rounded <= exact * (1 + Fraction(1e-13))


@given(positive, st.integers(0, 100))
def test_the_margin_covers_the_stated_number_of_roundings(value: float, operations: int) -> None:
    margin = Fraction(float(round_up(double(value), operations))) / Fraction(value) - 1
    u = Fraction(EPSILON) / 2
    assert margin >= operations * u / (1 - operations * u)
    assert margin <= (operations + 3) * Fraction(EPSILON)


def test_overflow_becomes_infinity_not_nan() -> None:
    rounded = round_up(torch.tensor([math.nan, math.inf, 1.7976931348623157e308], dtype=torch.float64), 1)
    assert rounded.tolist() == [math.inf] * 3


def test_zero_stays_zero() -> None:
    assert float(round_up(double(0.0), 5)) == 0.0


def test_unit_roundoff_is_half_the_spacing_at_one() -> None:
    assert unit_roundoff(torch.float64) == 2.0**-53
    assert unit_roundoff(torch.float32) == 2.0**-24
    assert 2 * unit_roundoff(torch.float64) == EPSILON


@given(st.lists(st.floats(0.0, 1.7e308), min_size=1, max_size=6))
def test_products_of_constants_are_never_below_the_exact_ones_and_0_only_for_a_factor_0(factors: list[float]) -> None:
    exact = Fraction(1)
    for factor in factors:
        exact *= Fraction(factor)
    product = product_up(*factors)
    assert not math.isnan(product)
    assert (product == 0) == (exact == 0)
    assert product == math.inf or Fraction(product) >= exact
    assert product_up(1e200, 1e200, 0.0) == 0.0
    assert product_up(math.inf, 0.0) == 0.0
    assert 0 < product_up(1e-200, 1e-200) < 1e-300


def test_bounds_below_the_normal_numbers_are_raised_to_them() -> None:
    smallest = torch.finfo(torch.float64).tiny
    values = torch.tensor([0.0, 1e-320, 1.0], dtype=torch.float64)
    assert raised_to_normal(values).tolist() == [0.0, smallest, 1.0]
    assert times_up(values, 1e-200).tolist() == [0.0, smallest, pytest.approx(1e-200)]
    assert times_up(values, 0.0).tolist() == [0.0, 0.0, 0.0]
