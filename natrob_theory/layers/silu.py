"""nn.SiLU."""

import torch
from torch import Tensor, nn

from natrob_theory.layers.activation import AbstractActivation, wave
from natrob_theory.layers.answers import describes
from natrob_theory.layers.statements import Slopes
from natrob_theory.numbers.balls import Ball

SILU_TURN = 2.3993572805154674
"""Where SiLU is steepest: the positive root of 2 + x(1 − 2s(x))."""

SILU_STEEPEST = 1.0998393201289
"""σ' there, rounded up; the least slope is one less it, as σ'(x) + σ'(−x) = 1."""


@describes(nn.SiLU)
class SiLUAnswers(AbstractActivation[nn.SiLU]):
    """x·s(x), s the sigmoid: σ' = s(1 + x(1 − s)). Proof: proofs/symbolic/silu_steepest_slope.py."""

    def slopes(self, lower: Tensor, upper: Tensor) -> Slopes:
        """σ'' = s(1 − s)(2 + x(1 − 2s)) vanishes at ±`SILU_TURN` alone."""
        return wave(
            lower,
            upper,
            lambda x: torch.sigmoid(x) * (1.0 + x * torch.sigmoid(-x)),
            turns=(-SILU_TURN, SILU_TURN),
            extremes=(1.0 - SILU_STEEPEST, SILU_STEEPEST),
        )

    def ball(self, entry: Ball) -> Ball:
        """x/(1 + e⁻ˣ)."""
        return entry / (1 + (-entry).exp())
