"""Growth factors from K alone: random tableaus, hK up to 1 and beyond it, and arguments that are refused."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from natrob_theory import (
    RK4,
    BackwardEulerStepper,
    ButcherTableau,
    EulerStepper,
    FractalNetStepper,
    PolyNetStepper,
    RevNetStepper,
    RungeKuttaStepper,
)
from natrob_theory.numbers.balls import ball, root, working_precision
from natrob_theory.steppers import AbstractStepper
from natrob_theory.strategies import step_sizes, tableaus

# Relative errors are bounded away from underflow only, which is where the outward rounding promises anything.
constants = st.just(0.0) | st.floats(1e-50, 10.0)


@given(tableaus(), step_sizes(), constants)
def test_growth_of_any_tableau(tableau: ButcherTableau, step_size: float, lipschitz: float) -> None:
    """The tableau's own formula, |b|ᵀ(I − x|A|)⁻¹𝟙, against the polynomial that is read off the step."""
    x = Fraction(step_size) * Fraction(lipschitz)
    exact = sum((c * x**k for k, c in enumerate(tableau.growth_polynomial())), Fraction(0))
    stepper = RungeKuttaStepper(tableau)
    assert stepper.trace.growth == tableau.growth_polynomial()
    value = Fraction(stepper.growth_factor(step_size=step_size, lipschitz=lipschitz))
    assert exact <= value <= exact * (1 + Fraction(1e-12))
    with working_precision(256):
        square = stepper.squared_growth([[ball(x)]])[-1]
        assert (square - ball(exact**2)).contains(0)
        assert square.rel_accuracy_bits() > 200


@given(step_sizes(), st.floats(0.0, 0.999))
def test_backward_euler_growth(step_size: float, x: float) -> None:
    lipschitz = x / step_size
    exact = 1 / (1 - Fraction(step_size) * Fraction(lipschitz))
    value = Fraction(BackwardEulerStepper().growth_factor(step_size=step_size, lipschitz=lipschitz))
    # Outward by a few u/(1 − x), and 1 − x ≥ 1e-3.
    assert exact <= value <= exact * (1 + Fraction(3e-12))


@pytest.mark.parametrize("lipschitz", [1.0, 1.0 + 1e-15, 2.0, 1e300])
def test_backward_euler_has_no_bound_from_large_constants(lipschitz: float) -> None:
    with pytest.raises(
        ValueError, match=r"backward Euler has a growth bound from K alone only for hK < 1: `step_size`"
    ):
        BackwardEulerStepper().growth_factor(step_size=1.0, lipschitz=lipschitz)
    assert BackwardEulerStepper().growth(torch.tensor([lipschitz], dtype=torch.float64)).tolist() == [math.inf]


@pytest.mark.parametrize("stepper", [EulerStepper(), RungeKuttaStepper(RK4), RevNetStepper(), BackwardEulerStepper()])
@pytest.mark.parametrize(
    ("step_size", "lipschitz", "message"),
    [
        (0.0, 1.0, r"`step_size` must be greater than 0, got 0\.0"),
        (-0.5, 1.0, r"`step_size` must be greater than 0, got -0\.5"),
        (math.inf, 1.0, "`step_size` must be finite, got inf"),
        (0.1, -1.0, r"`lipschitz` must be at least 0, got -1\.0"),
        (0.1, math.nan, "`lipschitz` must be finite, got nan"),
    ],
)
def test_bad_arguments(stepper: AbstractStepper, step_size: float, lipschitz: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        stepper.growth_factor(step_size=step_size, lipschitz=lipschitz)


def test_bad_settings(unchecked: None) -> None:
    with pytest.raises(TypeError, match="`tableau` must be a ButcherTableau, got str"):
        RungeKuttaStepper("rk4")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`columns` must be at least 1, got 0"):
        FractalNetStepper(0)
    with pytest.raises(ValueError, match="`order` must be at least 1, got 0"):
        PolyNetStepper(0)
    with pytest.raises(ValueError, match='`on_failure` must be "raise" or "warn", got \'ignore\''):
        BackwardEulerStepper(on_failure="ignore")  # type: ignore[arg-type]


def test_backward_euler_in_balls_beyond_and_across_one() -> None:
    stepper = BackwardEulerStepper()
    assert root(stepper.squared_growth([[ball(1.5)]])[-1]).upper() == math.inf
    across = stepper.squared_growth([[ball(0.9).union(ball(1.1))]])[-1]
    assert not across >= 1e30
    assert not across <= 1e30


def test_revnet_without_coupling_is_the_identity() -> None:
    assert [float(root(square)) for square in RevNetStepper().squared_growth([[ball(0.0)] * 2] * 2)] == [1.0, 1.0, 1.0]
