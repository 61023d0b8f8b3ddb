"""Euler's growth factor from (μ, K) in L∞ and L1."""

from typing import final

import torch
from torch import Tensor

from natrob_theory.numbers.balls import Ball
from natrob_theory.numbers.rounding import EPSILON, round_up
from natrob_theory.steppers.growth_factors.abstract_growth_factor import (
    AbstractGrowthFactor,
    BallConstants,
    StepConstants,
)


@final
class EulerMaximumNorm(AbstractGrowthFactor):
    """G = max(1 + hμ, hK − 1) in L∞ and L1, with K and μ of that norm.

    A row of I + hJ has |1 + hJ_ii| + hΣ_{j≠i}|J_ij|: at most 1 + hμ where 1 + hJ_ii ≥ 0, else at most hK − 1. So it is
    1 + hμ wherever h(K − μ) ≤ 2, among them all fields −ρy + g(y) with K_g ≤ ρ at hρ ≤ 1.

    Source: theory, section 1. Proof: proofs/symbolic/maximum_norm_growth.py.
    """

    formula = "max(1 + hμ, hK − 1)"
    needs = ("scaled_one_sided",)

    def growth(self, step: StepConstants) -> Tensor:
        """max(1 + hμ, x − 1); x and hμ are off by a few roundings, absolutely in the result, so 8·2u(1 + x)."""
        assert step.scaled_one_sided is not None
        factor = torch.maximum(1.0 + step.scaled_one_sided, step.x - 1.0)
        return round_up(factor + 8 * EPSILON * (1.0 + step.x), 2)

    def squared_growth(self, step: BallConstants) -> Ball | None:
        """max(1 + hμ, x − 1)², which is at least 0 since μ ≥ −K."""
        assert step.scaled_one_sided is not None
        factor = (1 + step.scaled_one_sided).max(step.x - 1)
        return factor * factor
