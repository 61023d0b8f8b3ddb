"""nn.ReLU."""

from torch import Tensor, nn

from natrob_theory.layers.activation import AbstractActivation
from natrob_theory.layers.answers import describes
from natrob_theory.layers.statements import Affine, Shape, Slopes
from natrob_theory.numbers.balls import Ball


@describes(nn.ReLU)
class ReLUAnswers(AbstractActivation[nn.ReLU]):
    """max(0, x): slope 0 or 1 where the interval does not straddle 0."""

    def kinks(self) -> tuple[float, ...]:
        """0."""
        return (0.0,)

    def slopes(self, lower: Tensor, upper: Tensor) -> Slopes:
        """0 below 0, 1 above."""
        return Slopes((lower >= 0).to(lower), (upper > 0).to(upper))

    def ball(self, entry: Ball) -> Ball:
        """A ball that straddles 0 becomes the hull of 0 and its upper end."""
        return entry.max(0)

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """Nothing is rounded."""
        return 0.0 * norm
