"""Backward Euler's growth factor from μ."""

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
class BackwardEulerOneSided(AbstractGrowthFactor):
    """G = 1/(1 − hμ) for hμ < 1, whatever K, in every norm (theory, section 1; Dekker and Verwer 1984).

    Proof: proofs/coq/backward_euler.v, proofs/symbolic/backward_euler_one_sided.py; in L∞ and L1
        proofs/symbolic/maximum_norm_growth.py.
    """

    formula = "1/(1 − hμ)"
    needs = ("scaled_one_sided",)
    smallest_unbounded_one_sided = 1.0

    def growth(self, step: StepConstants) -> Tensor:
        """1/(1 − hμ) for hμ < 1, ∞ from there on."""
        assert step.scaled_one_sided is not None
        room = 1.0 - step.scaled_one_sided - EPSILON * (1.0 + step.scaled_one_sided.abs())
        return torch.where(room > 0, round_up(1.0 / room.clamp_min(EPSILON / 2), 2), torch.inf)

    def squared_growth(self, step: BallConstants) -> Ball | None:
        """1/(1 − hμ)² where hμ < 1 is certain."""
        assert step.scaled_one_sided is not None
        room = 1 - step.scaled_one_sided
        return 1 / (room * room) if room > 0 else None
