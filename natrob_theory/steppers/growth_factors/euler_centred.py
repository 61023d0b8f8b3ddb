"""Euler's growth factor from the parts of a field."""

from typing import final

import torch
from torch import Tensor

from natrob_theory.numbers.balls import Ball, ball, root
from natrob_theory.numbers.rounding import EPSILON, round_up
from natrob_theory.steppers.growth_factors.abstract_growth_factor import (
    AbstractGrowthFactor,
    BallConstants,
    StepConstants,
)


@final
class EulerCentred(AbstractGrowthFactor):
    """G = √((1 − hγ)² + h²s²) + hr for f = −γy + skew part (s) + remainder (r).

    The skew part moves e at right angles, the remainder in any direction. A gradient flow with a skew part and
    dissipation ρ has γ = ρ + K/2, r = K/2, and attains it.

    Proof: proofs/symbolic/skew_gradient_flow_euler.py.
    """

    formula = "(√((1 − hγ)² + h²s²) + hr) from the fields' parts"
    needs = ("centred",)
    assumption = "f = −γy + skew part (constant s) + remainder (constant r), where that factor is used"
    margin = 64 * EPSILON

    def growth(self, step: StepConstants) -> Tensor:
        """√((1 − hγ)² + h²s²) + hr; the root moves no more than 1 − hγ does, which is off by 2u(1 + h|γ|) at most."""
        assert step.centred is not None
        centre, skew, radius = step.centred
        shift = step.step_size * centre
        kept = torch.hypot(1.0 - shift, step.step_size * skew)
        factor = kept + step.step_size * radius + 4 * EPSILON * (1.0 + shift.abs())
        return round_up(factor, 8).expand_as(step.x)

    def squared_growth(self, step: BallConstants) -> Ball | None:
        """The square of the sum."""
        assert step.centred is not None
        centre, skew, radius = (ball(float(entry)) * step.step_size for entry in step.centred)
        factor = root((1 - centre) * (1 - centre) + skew * skew) + radius
        return factor * factor
