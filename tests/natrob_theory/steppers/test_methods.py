"""The library's methods: each says what it is, and keeps the contract."""

from fractions import Fraction
from typing import Any

import pytest
from method_contract import MethodContract, polynomial, taylor

from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    EULER,
    FEHLBERG45,
    HEUN,
    HEUN_EULER,
    MIDPOINT,
    RK4,
    THREE_EIGHTHS,
    BackwardEulerStepper,
    EulerStepper,
    FractalNetStepper,
    PolyNetStepper,
    RevNetStepper,
    RungeKuttaStepper,
)
from natrob_theory.numbers.tensor_types import Field
from natrob_theory.steppers import AbstractArithmetic, AbstractExplicitStepper, coefficient
from natrob_theory.steppers.coefficient import ZERO


class TestEuler(MethodContract):
    stepper, order, growth = EulerStepper(), 1, taylor(1)


class TestEulersTableau(MethodContract):
    stepper, order, growth = RungeKuttaStepper(EULER), 1, taylor(1)


class TestHeun(MethodContract):
    stepper, order, growth = RungeKuttaStepper(HEUN), 2, taylor(2)


class TestMidpoint(MethodContract):
    stepper, order, growth = RungeKuttaStepper(MIDPOINT), 2, taylor(2)


class TestRK4(MethodContract):
    stepper, order, growth = RungeKuttaStepper(RK4), 4, taylor(4)


class TestThreeEighths(MethodContract):
    stepper, order, attained = RungeKuttaStepper(THREE_EIGHTHS), 4, False
    growth = polynomial(1, 1, 1, "1/3", "1/24")


class TestHeunEuler(MethodContract):
    stepper, order, growth = RungeKuttaStepper(HEUN_EULER), 2, taylor(2)


class TestBogackiShampine(MethodContract):
    stepper, order, growth = RungeKuttaStepper(BOGACKI_SHAMPINE), 3, taylor(3)


class TestFehlberg45(MethodContract):
    stepper, order, attained = RungeKuttaStepper(FEHLBERG45), 4, False
    growth = polynomial(1, "7/5", "78911/10260", "10625/4446", "97/312", "1/104")


class TestDormandPrince(MethodContract):
    stepper, order, attained = RungeKuttaStepper(DOPRI5), 5, False
    growth = polynomial(1, "5579/3392", "391473/23744", "1466443/267120", "81/100", "1/18", "1/600")


class TestPolyNet(MethodContract):
    stepper, order, growth = PolyNetStepper(2), 1, polynomial(1, 1, 1)


class TestPolyNetOfOrder5(MethodContract):
    stepper, order, growth = PolyNetStepper(5), 1, polynomial(1, 1, 1, 1, 1, 1)


class TestFractalNet(MethodContract):
    stepper, order, growth = FractalNetStepper(2), None, polynomial(0, "1/2", "1/2")


class TestFractalNetOf3Columns(MethodContract):
    stepper, order, growth = FractalNetStepper(3), None, polynomial(0, "1/2", "1/8", "1/4", "1/8")


class TestRevNet(MethodContract):
    stepper, order = RevNetStepper(), 1


class TestBackwardEuler(MethodContract):
    stepper, order, growth = BackwardEulerStepper(), 1, lambda x: 1 / (1 - x)


class KrasnoselskiiMann(AbstractExplicitStepper[Field]):
    """A method of a user's own: y_{n+1} = (1 − θ)y_n + θhf(t_n, y_n)."""

    def __init__(self, theta: str) -> None:
        self.kept, self.moved = coefficient(1 - Fraction(theta)), coefficient(theta)

    @property
    def name(self) -> str:
        return "Krasnoselskii–Mann"

    def advance(self, arithmetic: AbstractArithmetic[Any], state: Any) -> Any:
        return arithmetic.mix(None, (self.kept, state), (self.moved, arithmetic.slope(ZERO, state)))


class TestAMethodOfOnesOwn(MethodContract):
    stepper, order, growth = KrasnoselskiiMann("2/3"), None, polynomial("1/3", "2/3")

    def test_it_is_described(self) -> None:
        assert self.stepper.growth_formula == "Krasnoselskii–Mann: Π (1/3 + 2x_n/3), x_n = h_n K_n"


@pytest.mark.parametrize(
    ("stepper", "evaluations"),
    [
        (RungeKuttaStepper(DOPRI5), 6),  # the seventh stage serves error control only
        (RungeKuttaStepper(BOGACKI_SHAMPINE), 3),
        (FractalNetStepper(4), 15),  # 2⁴ − 1
        (PolyNetStepper(3), 3),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_step_evaluates_what_it_uses(stepper: Any, evaluations: int) -> None:
    assert len(stepper.nodes) == evaluations
