"""Growth factors in balls, against exact fractions and against the float64 bounds."""

import math
from fractions import Fraction
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from natrob_theory import (
    BackwardEulerStepper,
    ButcherTableau,
    EulerStepper,
    FractalNetStepper,
    PolyNetStepper,
    RevNetStepper,
    RungeKuttaStepper,
)
from natrob_theory.numbers.balls import Ball, ball, float_above, root, working_precision
from natrob_theory.steppers import AbstractStepper
from natrob_theory.strategies import tableaus

products = st.floats(1e-6, 0.95)


def growth(stepper: AbstractStepper[Any], steps: list[list[float]]) -> list[Ball]:
    return [root(square) for square in stepper.squared_growth([[ball(x) for x in row] for row in steps])]


CLOSED_FORMS = (
    (EulerStepper(), lambda x: 1 + x),
    (PolyNetStepper(3), lambda x: 1 + x + x**2 + x**3),
    (FractalNetStepper(3), lambda x: (x**2 / 2 + x / 2) ** 2 / 2 + x / 2),
    (BackwardEulerStepper(), lambda x: 1 / (1 - x)),
)


@pytest.mark.parametrize(("stepper", "closed_form"), CLOSED_FORMS, ids=lambda value: getattr(value, "name", ""))
@given(first=products, second=products)
def test_the_closed_forms(stepper: Any, closed_form: Any, first: float, second: float) -> None:
    with working_precision(256):
        one, two, three = stepper.squared_growth([[ball(first)], [ball(second)]])
        exact = [closed_form(Fraction(x)) ** 2 for x in (first, second)]
        assert one == 1
        for square, number in ((two, exact[0]), (three, exact[0] * exact[1])):
            assert (square - ball(number)).contains(0)
            assert square.rel_accuracy_bits() > 200


@given(tableaus(), st.floats(1e-6, 30.0))
def test_a_tableau_s_growth_polynomial_with_its_exact_fractions(tableau: ButcherTableau, x: float) -> None:
    polynomial = sum(c * Fraction(x) ** k for k, c in enumerate(tableau.growth_polynomial()))
    with working_precision(256):
        square = RungeKuttaStepper(tableau).squared_growth([[ball(x)]])[-1]
        assert (square - ball(Fraction(polynomial) ** 2)).contains(0)
        assert square.rel_accuracy_bits() > 200


@pytest.mark.parametrize("scale", [1e-3, 1.0, 4.0])
@pytest.mark.parametrize(
    "stepper",
    [EulerStepper(), PolyNetStepper(2), FractalNetStepper(2), BackwardEulerStepper(), RevNetStepper()],
    ids=lambda stepper: stepper.name,
)
def test_the_float64_bound_is_just_above(stepper: Any, scale: float) -> None:
    x = scale * torch.rand(6, stepper.couplings, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    x = x.clamp_max(0.9) if isinstance(stepper, BackwardEulerStepper) else x
    bound = stepper.cumulative_growth(x[:, :, None])[:, 0]
    for above, exact in zip(bound.tolist(), growth(stepper, x.tolist()), strict=True):
        assert ball(above) >= exact
        assert above <= float_above(exact) * (1 + 1e-12)


def test_backward_euler_beyond_and_across_one() -> None:
    assert growth(BackwardEulerStepper(), [[1.5]])[-1].upper() == math.inf
    across = BackwardEulerStepper().squared_growth([[ball(0.9).union(ball(1.1))]])[-1]
    assert not across >= 1e30
    assert not across <= 1e30


def test_revnet_without_coupling_is_the_identity() -> None:
    assert [float(value) for value in growth(RevNetStepper(), [[0.0, 0.0]] * 2)] == [1.0, 1.0, 1.0]
