"""nn.Mish."""

import torch
from torch import Tensor, nn

from natrob_theory.layers.activation import AbstractActivation, wave
from natrob_theory.layers.answers import describes
from natrob_theory.layers.statements import Slopes
from natrob_theory.numbers.balls import Ball

MISH_TURNS = (-2.256376396360793, 1.4905711794854284)
"""Where Mish is least and most steep: the two roots of its second derivative."""

MISH_STEEPEST = 1.0884981612518
"""σ' at the second one, rounded up."""

MISH_LEAST = -0.1125261223895
"""σ' at the first one, rounded down."""


@describes(nn.Mish)
class MishAnswers(AbstractActivation[nn.Mish]):
    """x·t, t = tanh(log(1 + eˣ)) = 1 − 2/q, q = e²ˣ + 2eˣ + 2. Proof: proofs/symbolic/mish_steepest_slope.py."""

    def slopes(self, lower: Tensor, upper: Tensor) -> Slopes:
        """σ' = t + 4xeˣ(eˣ + 1)/q² falls, rises and falls, with turns at `MISH_TURNS` alone."""
        return wave(lower, upper, _derivative, turns=MISH_TURNS, extremes=(MISH_LEAST, MISH_STEEPEST))

    def ball(self, entry: Ball) -> Ball:
        """x·tanh(log(1 + eˣ))."""
        return entry * entry.exp().log1p().tanh()


def _derivative(x: Tensor) -> Tensor:
    growth = torch.exp(x)
    q = growth * (growth + 2.0) + 2.0
    return growth * (growth + 2.0) / q + 4.0 * x * growth * (growth + 1.0) / q**2
