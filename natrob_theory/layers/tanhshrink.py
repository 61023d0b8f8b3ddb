"""nn.Tanhshrink."""

import torch
from torch import Tensor, nn

from natrob_theory.layers.activation import AbstractActivation, bell, margined
from natrob_theory.layers.answers import describes
from natrob_theory.layers.statements import Slopes
from natrob_theory.numbers.balls import Ball


@describes(nn.Tanhshrink)
class TanhshrinkAnswers(AbstractActivation[nn.Tanhshrink]):
    """x − tanh x: σ' = tanh² = 1 − (1 − tanh²)."""

    def slopes(self, lower: Tensor, upper: Tensor) -> Slopes:
        """One less a bell."""
        falling = bell(lower, upper, lambda x: 1.0 - torch.tanh(x) ** 2, peak=1.0)
        return margined(1.0 - falling.high, 1.0 - falling.low, least=0.0, largest=1.0)

    def ball(self, entry: Ball) -> Ball:
        """Arb's."""
        return entry - entry.tanh()
