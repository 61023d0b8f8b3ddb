"""Euler's growth factor from (μ, K)."""

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
class EulerOneSided(AbstractGrowthFactor):
    """G² = 1 + 2hμ + h²K²: ‖e + hΔf‖² = ‖e‖² + 2h⟨Δf, e⟩ + h²‖Δf‖².

    Attained by f = K(cos φ + J sin φ)y in the plane, J the quarter turn. Source: theory, section 3.

    Proof: proofs/coq/euler_one_sided.v, proofs/symbolic/euler_one_sided.py.
    """

    formula = "√(1 + 2hμ + h²K²)"
    needs = ("scaled_one_sided",)

    def growth(self, step: StepConstants) -> Tensor:
        """√(1 + 2hμ + x²), written as √((1 − x)² + 2(hμ + x)) so that both terms are nonnegative.

        Every rounding is then relative. The last term is for constants that are themselves off by a rounding: where
        the first two cancel (h near −1/μ) the square root would enlarge it.
        """
        assert step.scaled_one_sided is not None
        x = step.x
        squared = (1.0 - x) * (1.0 - x) + 2.0 * (step.scaled_one_sided + x)
        squared = squared * (1.0 + 8 * EPSILON) + 4 * EPSILON * (1.0 + x) * (1.0 + x)
        return round_up(torch.sqrt(squared), 2)

    def squared_growth(self, step: BallConstants) -> Ball | None:
        """1 + 2hμ + x²."""
        assert step.scaled_one_sided is not None
        return 1 + 2 * step.scaled_one_sided + step.x * step.x
