"""Euler's method, the paper's (2): a residual block with step size h."""

from typing import final

import torch
from torch import Tensor

from natrob_theory.fields import evaluate_field
from natrob_theory.layers.statements import CentredConstants
from natrob_theory.numbers.rounding import EPSILON, round_up
from natrob_theory.numbers.tensor_types import Field
from natrob_theory.steppers.abstract_stepper import (
    AbstractStepper,
    Evaluation,
    recorded_step,
    running_product,
)


@final
class EulerStepper(AbstractStepper[Field]):
    """y_{n+1} = y_n + h f(t_n, y_n).

    G = 1 + hK, attained by f = Ky (the paper's (10)); with μ also G² = 1 + 2hμ + h²K² (theory, section 3), attained
    by f = K(cos φ + J sin φ)y in the plane, J the quarter turn: ‖e + hΔf‖² = ‖e‖² + 2h⟨Δf, e⟩ + h²‖Δf‖². For
    f = −∇V with V convex max(|1 − hK|, |1 + hμ|), see `natrob_theory.gradient_flow_bound`. For f = −γy + skew part +
    remainder, of constants s and r, √((1 − hγ)² + h²s²) + hr: the skew part moves e at right angles, the remainder in
    any direction. A gradient flow with a skew part and dissipation ρ has γ = ρ + K/2, r = K/2, and attains it.

    Proof: proofs/coq/theorem_3_1.v, proofs/symbolic/discrete_bound.py; from (μ, K) proofs/coq/euler_one_sided.v,
        proofs/symbolic/euler_one_sided.py; for gradient flows proofs/coq/gradient_flow_euler.v,
        proofs/symbolic/gradient_flow.py; from the parts proofs/symbolic/skew_gradient_flow_euler.py.
    """

    one_sided_formula = "√(1 + 2hμ + h²K²)"
    gradient_flow_formula = "max(|1 − hK|, |1 + hμ|)"
    centred_formula = "(√((1 − hγ)² + h²s²) + hr)"

    @property
    def name(self) -> str:
        """Euler's method."""
        return "Euler's method"

    def step(self, field: Field, time: float, state: Tensor, step_size: float) -> Tensor:
        """y_{n+1} from y_n."""
        return state + step_size * evaluate_field(field, time, state)

    def step_with_evaluations(
        self, field: Field, time: float, state: Tensor, step_size: float
    ) -> tuple[Tensor, list[Evaluation]]:
        """y_{n+1}, and f at y_n."""
        return recorded_step(self, field, time, state, step_size)

    def growth(self, x: Tensor) -> Tensor:
        """1 + x."""
        return round_up(1.0 + x, 1)

    def one_sided_growth(self, x: Tensor, scaled_one_sided: Tensor) -> Tensor:
        """√(1 + 2hμ + x²), written as √((1 − x)² + 2(hμ + x)) so that both terms are nonnegative.

        Every rounding is then relative. The last term is for constants that are themselves off by a rounding: where
        the first two cancel (h near −1/μ) the square root would enlarge it.
        """
        squared = (1.0 - x) * (1.0 - x) + 2.0 * (scaled_one_sided + x)
        squared = squared * (1.0 + 8 * EPSILON) + 4 * EPSILON * (1.0 + x) * (1.0 + x)
        return round_up(torch.sqrt(squared), 2)

    def gradient_flow_growth(self, x: Tensor, scaled_one_sided: Tensor) -> Tensor:
        """max(|1 − x|, |1 + hμ|); x and hμ are off by a few roundings, absolutely in the result, so 8·2u(1 + x)."""
        factor = torch.maximum((1.0 - x).abs(), (1.0 + scaled_one_sided).abs())
        return round_up(factor + 8 * EPSILON * (1.0 + x), 2)

    def centred_growth(self, step_size: Tensor, constants: CentredConstants) -> Tensor:
        """√((1 − hγ)² + h²s²) + hr; the root moves no more than 1 − hγ does, which is off by 2u(1 + h|γ|) at most."""
        shift = step_size * constants.centre
        kept = torch.hypot(1.0 - shift, step_size * constants.skew)
        return round_up(kept + step_size * constants.radius + 4 * EPSILON * (1.0 + shift.abs()), 8)

    def cumulative_growth(self, x: Tensor) -> Tensor:
        """Π (1 + h_i K_i)."""
        return running_product(self.growth(x[:, 0]))
