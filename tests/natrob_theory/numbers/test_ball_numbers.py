"""Balls: exact where they promise it, and rounded to the safe side where they become floats."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from natrob_theory.numbers import balls

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(finite)
def test_a_float_is_an_exact_ball(number: float) -> None:
    assert balls.ball(number).is_exact()
    assert balls.ball(Fraction(number)).contains(balls.ball(number))


@given(st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=10**6))
@example(Fraction(1, 3))  # whose nearest float, python-flint's float(upper()), lies below it
def test_a_fraction_is_enclosed_and_the_float_above_is_the_least_one(number: Fraction) -> None:
    with balls.working_precision(300):
        above = balls.float_above(balls.ball(number))
    assert Fraction(above) >= number
    assert Fraction(math.nextafter(above, -math.inf)) < number


def test_the_float_above_is_no_rounding_to_nearest() -> None:
    """`float(arb.upper())` rounds to nearest: above 53 bits it falls below the ball in many cases, here in a third."""
    below = 0
    with balls.working_precision(200):
        for number in (Fraction(n, d) for n in range(1, 20) for d in (3, 7, 11, 10**9 + 7) if n % d):
            end = balls.ball(number).upper()
            below += balls.ball(float(end)) < end
            assert balls.ball(balls.float_above(balls.ball(number))) >= end
    assert below > 20


def test_the_float_above_a_ball_is_above_its_upper_end() -> None:
    wide = balls.ball(1.0).union(balls.ball(3.5))
    assert 3.5 <= balls.float_above(wide) < 3.51
    assert balls.float_above(balls.infinite_ball()) == math.inf
    assert balls.float_above(balls.ball(10.0) ** 400) == math.inf


@given(st.floats(0.0, 1e100))
def test_a_root_is_enclosed(number: float) -> None:
    root = balls.root(balls.ball(number))
    assert (root * root).contains(balls.ball(number))


def test_the_root_of_a_ball_that_reaches_below_zero() -> None:
    root = balls.root(balls.ball(-1e-30).union(balls.ball(4.0)))
    assert root.contains(balls.ball(2.0))
    assert root.contains(balls.ball(0.0))
    assert root.upper() < 2.01


def test_matrices_hold_one_sample_a_column() -> None:
    values = torch.tensor([[1.0, 2.0, 0.1], [3.0, 4.0, 0.2]], dtype=torch.float64)
    state = balls.exact_matrix(values)
    assert [float(entry) for entry in balls.columns_of(state)[2].entries()] == [0.1, 0.2]
    assert [float(entry) for entry in balls.rows_of(state, 1, 2).entries()] == [3.0, 4.0, 0.2]
    top, bottom = balls.rows_of(state, 0, 1), balls.rows_of(state, 1, 2)
    assert balls.stacked(top, bottom).tolist() == state.tolist()
    moved = balls.add_column(state, balls.exact_matrix(torch.tensor([[10.0], [20.0]])))
    assert [float(entry) for entry in moved.entries()] == [11.0, 12.0, 10.1, 23.0, 24.0, 20.2]
    pairs = balls.exact_matrix(torch.tensor([[0.0, 1.0, 3.0, 1.0], [0.0, 2.0, 4.0, 5.0]]))
    assert [float(square) for square in balls.squared_distances(pairs)] == [25.0, 9.0]


def test_single_precision_is_exact_too() -> None:
    third = torch.full((1, 1), 1 / 3)
    assert Fraction(float(balls.exact_matrix(third)[0, 0])) == Fraction(third.item()) != Fraction(1, 3)


@pytest.mark.parametrize("bits", [128, 1024])
def test_the_working_precision_ends_with_its_context(bits: int) -> None:
    before = balls.flint().ctx.prec
    with balls.working_precision(bits):
        assert balls.flint().ctx.prec == bits
    assert balls.flint().ctx.prec == before
