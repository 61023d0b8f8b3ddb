"""Euler's method, the paper's (2): a residual block with step size h."""

from typing import Any, final

from natrob_theory.numbers.tensor_types import Field
from natrob_theory.steppers.arithmetic import AbstractArithmetic
from natrob_theory.steppers.coefficient import ZERO
from natrob_theory.steppers.explicit_stepper import AbstractExplicitStepper
from natrob_theory.steppers.growth_factors import (
    EulerCentred,
    EulerGradientFlow,
    EulerMaximumNorm,
    EulerOneSided,
)


@final
class EulerStepper(AbstractExplicitStepper[Field]):
    """y_{n+1} = y_n + h f(t_n, y_n).

    G = 1 + hK, attained by f = Ky (the paper's (10)); its smaller factors say themselves what they need.

    Proof: proofs/coq/theorem_3_1.v, proofs/symbolic/discrete_bound.py.
    """

    growth_factors = (EulerOneSided(), EulerGradientFlow(), EulerCentred())
    growth_factors_in_other_norms = (EulerMaximumNorm(),)

    @property
    def name(self) -> str:
        """Euler's method."""
        return "Euler's method"

    @property
    def growth_formula(self) -> str:
        """(10) of the paper."""
        return "(10): Π (1 + h_n K_n)"

    def advance(self, arithmetic: AbstractArithmetic[Any], state: Any) -> Any:
        """y + h f(t, y)."""
        return arithmetic.mix(state, arithmetic.slope(ZERO, state))
