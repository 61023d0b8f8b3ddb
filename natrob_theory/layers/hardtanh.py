"""nn.Hardtanh, and nn.ReLU6, which is one."""

import math

import torch
from torch import Tensor, nn

from natrob_theory.layers.activation import AbstractActivation
from natrob_theory.layers.affine import RELATIVE, only_constant
from natrob_theory.layers.answers import describes
from natrob_theory.layers.statements import Affine, Shape, Slopes
from natrob_theory.numbers.balls import Ball, ball


@describes(nn.Hardtanh)
class HardtanhAnswers(AbstractActivation[nn.Hardtanh]):
    """The identity between two numbers, constant outside."""

    def kinks(self) -> tuple[float, ...]:
        """Both ends."""
        return self.module.min_val, self.module.max_val

    def slopes(self, lower: Tensor, upper: Tensor) -> Slopes:
        """1 inside, 0 outside."""
        least, largest = self.module.min_val, self.module.max_val
        inside = (lower >= least) & (upper <= largest)
        outside = (upper <= least) | (lower >= largest)
        return Slopes(inside.to(lower), 1.0 - outside.to(upper))

    def ball(self, entry: Ball) -> Ball:
        """Cut at both ends."""
        return entry.max(ball(float(self.module.min_val))).min(ball(float(self.module.max_val)))

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """That of an end which a short mantissa does not hold, in every entry; nothing else is rounded."""
        ends = torch.tensor([self.module.min_val, self.module.max_val], dtype=torch.float64)
        rounded = float((ends.abs() * (ends.bfloat16() != ends)).max())
        return 0.0 * norm + only_constant(unit * rounded * math.sqrt(math.prod(input_shape)) * RELATIVE)
