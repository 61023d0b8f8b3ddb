"""nn.LeakyReLU."""

import torch
from torch import Tensor, nn

from natrob_theory.layers.activation import AbstractActivation
from natrob_theory.layers.answers import describes
from natrob_theory.layers.statements import Slopes
from natrob_theory.numbers.balls import Ball, ball


@describes(nn.LeakyReLU)
class LeakyReLUAnswers(AbstractActivation[nn.LeakyReLU]):
    """x above 0, `negative_slope`·x below."""

    def slopes(self, lower: Tensor, upper: Tensor) -> Slopes:
        """Those of the two halves that the interval meets."""
        left, right = torch.full_like(lower, self.module.negative_slope), torch.ones_like(upper)
        at_lower, at_upper = torch.where(lower >= 0, right, left), torch.where(upper <= 0, left, right)
        return Slopes(torch.minimum(at_lower, at_upper), torch.maximum(at_lower, at_upper))

    def ball(self, entry: Ball) -> Ball:
        """Both halves, each of its part of the ball."""
        return entry.max(0) + ball(float(self.module.negative_slope)) * entry.min(0)
