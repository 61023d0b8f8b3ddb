"""Scaling by powers of two: exact, over the whole range of a type."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from natrob_theory.numbers.powers_of_two import exponent_of_largest, power_of_two, times_power_of_two


@pytest.mark.parametrize("exponent", [-1000, -149, -1, 0, 1, 127, 1000])
def test_powers_are_exact(exponent: int) -> None:
    assert float(power_of_two(torch.tensor(exponent))) == 2.0**exponent


@given(value=st.floats(min_value=5e-324, max_value=1.7e308), sign=st.sampled_from([1.0, -1.0]))
def test_what_is_scaled_lies_between_a_half_and_one_and_comes_back_exactly(value: float, sign: float) -> None:
    row = torch.tensor([[sign * value, 0.0]], dtype=torch.float64)
    exponent = exponent_of_largest(row, 1)
    scaled = times_power_of_two(row, -exponent)
    assert 0.5 <= float(scaled.abs().max()) < 1.0
    assert torch.equal(times_power_of_two(scaled, exponent), row)
    assert math.frexp(value)[1] == int(exponent)


def test_complex_entries_count_with_their_larger_part_and_zeros_and_nan_are_left() -> None:
    rows = torch.tensor([[3 + 0.1j, 1j], [0j, 0j], [math.nan + 0j, 1j]], dtype=torch.complex128)
    assert exponent_of_largest(rows, 1)[:, 0].tolist() == [2, 0, 0]
