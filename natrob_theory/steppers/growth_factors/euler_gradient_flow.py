"""Euler's growth factor on gradient flows of convex potentials."""

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
class EulerGradientFlow(AbstractGrowthFactor):
    """G = max(|1 − hK|, |1 + hμ|) for f = −∇V with V convex; see `natrob_theory.gradient_flow_bound`.

    Proof: proofs/coq/gradient_flow_euler.v, proofs/symbolic/gradient_flow.py.
    """

    formula = "max(|1 − hK|, |1 + hμ|) for gradient flows"
    needs = ("scaled_one_sided", "gradient_flow")
    assumption = "f = −∇V with V convex, where the factor for gradient flows is used"
    margin = 0.0

    def growth(self, step: StepConstants) -> Tensor:
        """max(|1 − x|, |1 + hμ|); x and hμ are off by a few roundings, absolutely in the result, so 8·2u(1 + x)."""
        assert step.scaled_one_sided is not None
        assert step.gradient_flow is not None
        factor = torch.maximum((1.0 - step.x).abs(), (1.0 + step.scaled_one_sided).abs())
        factor = round_up(factor + 8 * EPSILON * (1.0 + step.x), 2)
        return factor.where(step.gradient_flow, torch.inf)

    def squared_growth(self, step: BallConstants) -> Ball | None:
        """max((1 − x)², (1 + hμ)²)."""
        assert step.scaled_one_sided is not None
        one, other = 1 - step.x, 1 + step.scaled_one_sided
        return (one * one).max(other * other) if step.gradient_flow else None
