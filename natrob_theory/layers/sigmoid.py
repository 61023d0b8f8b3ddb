"""nn.Sigmoid and nn.LogSigmoid."""

import torch
from torch import Tensor, nn

from natrob_theory.layers.activation import AbstractActivation, bell, margined
from natrob_theory.layers.answers import describes
from natrob_theory.layers.statements import Slopes
from natrob_theory.numbers.balls import Ball


@describes(nn.Sigmoid)
class SigmoidAnswers(AbstractActivation[nn.Sigmoid]):
    """σ' = s(1 − s) falls with |x|."""

    def slopes(self, lower: Tensor, upper: Tensor) -> Slopes:
        """A bell of height ¼; each value is off by a few u at most."""
        return bell(lower, upper, lambda x: torch.sigmoid(x) * torch.sigmoid(-x), peak=0.25)

    def ball(self, entry: Ball) -> Ball:
        """1/(1 + e⁻ˣ)."""
        return 1 / (1 + (-entry).exp())


@describes(nn.LogSigmoid)
class LogSigmoidAnswers(AbstractActivation[nn.LogSigmoid]):
    """σ' = 1/(1 + eˣ) falls."""

    def slopes(self, lower: Tensor, upper: Tensor) -> Slopes:
        """Between the derivatives at the ends."""
        return margined(torch.sigmoid(-upper), torch.sigmoid(-lower), least=0.0, largest=1.0)

    def ball(self, entry: Ball) -> Ball:
        """−log(1 + e⁻ˣ)."""
        return -(1 + (-entry).exp()).log()
