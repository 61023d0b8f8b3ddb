"""nn.LeakyReLU."""

from torch import Tensor, nn

from natrob_theory.layers.activation import AbstractActivation, kinked
from natrob_theory.layers.answers import describes
from natrob_theory.layers.statements import Slopes
from natrob_theory.numbers.balls import Ball, ball


@describes(nn.LeakyReLU)
class LeakyReLUAnswers(AbstractActivation[nn.LeakyReLU]):
    """x above 0, `negative_slope`·x below."""

    def kinks(self) -> tuple[float, ...]:
        """0."""
        return (0.0,)

    def slopes(self, lower: Tensor, upper: Tensor) -> Slopes:
        """Those of the two halves that the interval meets."""
        return kinked(lower, upper, left=self.module.negative_slope)

    def ball(self, entry: Ball) -> Ball:
        """Both halves, each of its part of the ball."""
        return entry.max(0) + ball(float(self.module.negative_slope)) * entry.min(0)
