"""nn.SELU."""

from torch import Tensor, nn

from natrob_theory.layers.activation import AbstractActivation, exponential_below_zero
from natrob_theory.layers.answers import describes
from natrob_theory.layers.statements import Slopes
from natrob_theory.numbers.balls import Ball, ball
from natrob_theory.numbers.rounding import EPSILON

SELU_ALPHA = 1.6732632423543772848170429916717
"""α, as torch has it."""

SELU_SCALE = 1.0507009873554804934193349852946
"""λ, as torch has it."""


@describes(nn.SELU)
class SELUAnswers(AbstractActivation[nn.SELU]):
    """λx above 0, λα(eˣ − 1) below: σ' is λ above and λαeˣ below. Proof: proofs/symbolic/smooth_rectifiers.py."""

    def kinks(self) -> tuple[float, ...]:
        """0."""
        return (0.0,)

    def slopes(self, lower: Tensor, upper: Tensor) -> Slopes:
        """Between the derivatives at the ends, and λ where 0 lies between."""
        height = SELU_ALPHA * SELU_SCALE * (1.0 + EPSILON)
        return exponential_below_zero(lower, upper, height=height, rate=1.0, right=SELU_SCALE)

    def ball(self, entry: Ball) -> Ball:
        """Both halves, each of its part of the ball."""
        return ball(SELU_SCALE) * (entry.max(0) + ball(SELU_ALPHA) * entry.min(0).expm1())
