"""Euler's method, the paper's (2): a residual block with step size h."""

import math
from typing import final

from torch import Tensor

from natrob_theory.fields import evaluate_field
from natrob_theory.rounding import EPSILON, round_up
from natrob_theory.steppers.abstract_stepper import (
    AbstractStepper,
    Evaluation,
    recorded_step,
    running_product,
)
from natrob_theory.tensor_types import Field


@final
class EulerStepper(AbstractStepper[Field]):
    """y_{n+1} = y_n + h f(t_n, y_n).

    G = 1 + hK, attained by f = Ky (the paper's (10)); with μ also G² = 1 + 2hμ + h²K² (theory, section 3).
    """

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

    def one_sided_growth(self, step_size: float, lipschitz: float, one_sided: float) -> float:
        """√(1 + 2hμ + h²K²), written as √((1 − x)² + 2h(μ + K)) so that both terms are nonnegative.

        The subtraction 1 − x is exact to within u·max(1, x), which the added 4u(1 + x)² covers.
        """
        x = step_size * lipschitz
        squared = (1.0 - x) * (1.0 - x) + 2.0 * step_size * (one_sided + lipschitz)  # ** would raise on overflow
        return math.sqrt(squared * (1.0 + 8 * EPSILON) + 4 * EPSILON * (1.0 + x) * (1.0 + x))

    def cumulative_growth(self, x: Tensor) -> Tensor:
        """Π (1 + h_i K_i)."""
        return running_product(self.growth(x[:, 0]))
