"""PolyNet, the paper's (15): I + hF + (hF)² + … + (hF)^m as a composition."""

from typing import final

import torch
from torch import Tensor

from natrob_theory.fields import evaluate_field
from natrob_theory.numbers.argument_checks import require_count
from natrob_theory.numbers.rounding import round_up
from natrob_theory.numbers.tensor_types import Field
from natrob_theory.steppers.abstract_stepper import (
    AbstractStepper,
    Evaluation,
    no_one_sided_formula,
    recorded_step,
    running_product,
)


@final
class PolyNetStepper(AbstractStepper[Field]):
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

    def step(self, field: Field, time: float, state: Tensor, step_size: float) -> Tensor:
        """y_{n+1} from y_n."""
        result = term = state
        for _ in range(self.order):
            term = step_size * evaluate_field(field, time, term)
            result = result + term
        return result

    def step_with_evaluations(
        self, field: Field, time: float, state: Tensor, step_size: float
    ) -> tuple[Tensor, list[Evaluation]]:
        """y_{n+1}, and f at y_n and at every term but the last."""
        return recorded_step(self, field, time, state, step_size)

    def growth(self, x: Tensor) -> Tensor:
        """1 + x + … + x^m by Horner's rule."""
        value = torch.ones_like(x)
        for _ in range(self.order):
            value = value * x + 1.0
        return round_up(value, 2 * self.order)

    def one_sided_growth(self, x: Tensor, scaled_one_sided: Tensor) -> Tensor:
        """No formula from (μ, K) is known here."""
        raise no_one_sided_formula(self.name)

    def cumulative_growth(self, x: Tensor) -> Tensor:
        """Π G(h_i K_i)."""
        return running_product(self.growth(x[:, 0]))
