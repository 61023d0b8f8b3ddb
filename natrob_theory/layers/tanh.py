"""nn.Tanh."""

import torch
from torch import Tensor, nn

from natrob_theory.layers.activation import AbstractActivation, bell
from natrob_theory.layers.answers import describes
from natrob_theory.layers.statements import Slopes
from natrob_theory.numbers.balls import Ball


@describes(nn.Tanh)
class TanhAnswers(AbstractActivation[nn.Tanh]):
    """σ' = 1 − tanh² falls with |x|."""

    def slopes(self, lower: Tensor, upper: Tensor) -> Slopes:
        """A bell of height 1; each value is off by a few u at most."""
        return bell(lower, upper, lambda x: 1.0 - torch.tanh(x) ** 2, peak=1.0)

    def ball(self, entry: Ball) -> Ball:
        """Arb's."""
        return entry.tanh()
