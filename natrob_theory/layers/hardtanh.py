"""nn.Hardtanh, and nn.ReLU6, which is one."""

from torch import Tensor, nn

from natrob_theory.layers.activation import AbstractSelectingActivation
from natrob_theory.layers.answers import describes
from natrob_theory.layers.statements import Slopes
from natrob_theory.numbers.balls import Ball, ball


@describes(nn.Hardtanh)
class HardtanhAnswers(AbstractSelectingActivation[nn.Hardtanh]):
    """The identity between two numbers, constant outside."""

    def slopes(self, lower: Tensor, upper: Tensor) -> Slopes:
        """1 inside, 0 outside."""
        least, largest = self.module.min_val, self.module.max_val
        inside = (lower >= least) & (upper <= largest)
        outside = (upper <= least) | (lower >= largest)
        return Slopes(inside.to(lower), 1.0 - outside.to(upper))

    def ball(self, entry: Ball) -> Ball:
        """Cut at both ends."""
        return entry.max(ball(float(self.module.min_val))).min(ball(float(self.module.max_val)))
