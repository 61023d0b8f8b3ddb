"""PolyNet, the paper's (15): I + hF + (hF)² + … + (hF)^m as a composition."""

from typing import Any, final

from natrob_theory.numbers.argument_checks import require_count
from natrob_theory.numbers.tensor_types import Field
from natrob_theory.steppers.arithmetic import AbstractArithmetic
from natrob_theory.steppers.coefficient import ZERO
from natrob_theory.steppers.explicit_stepper import AbstractExplicitStepper


@final
class PolyNetStepper(AbstractExplicitStepper[Field]):
    """y_{n+1} = y_n + u₁ + … + u_m with u₁ = hf(t_n, y_n), u_{k+1} = hf(t_n, u_k).

    G = Σ_{k≤m} x^k, attained by f = Ky. It is a truncation of backward Euler for linear f only; for nonlinear f the
    terms are compositions F∘F, not powers of the Jacobian (theory, section 2). As h → 0, u_2 tends to hf(t, 0): only
    for fields with f(t, 0) = 0 is it a consistent discretisation of dy/dt = f.

    Proof: proofs/coq/polynet.v, proofs/symbolic/polynet_growth.py; of what is said about backward Euler
        proofs/symbolic/polynet_defect.py, proofs/symbolic/polynet_consistency.py.
    """

    def __init__(self, order: int = 2) -> None:
        self.order = require_count("order", order)

    @property
    def name(self) -> str:
        """PolyNet with its order."""
        return f"PolyNet of order {self.order}"

    @property
    def growth_formula(self) -> str:
        """The geometric sum."""
        return f"{self.name}: Π Σ_k x_n^k, x_n = h_n K_n"

    def advance(self, arithmetic: AbstractArithmetic[Any], state: Any) -> Any:
        """Each term is hf of the one before."""
        result = term = state
        for _ in range(self.order):
            term = arithmetic.slope(ZERO, term)
            result = arithmetic.mix(result, term)
        return result
