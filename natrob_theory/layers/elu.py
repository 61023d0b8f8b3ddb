"""nn.ELU and nn.CELU."""

from torch import Tensor, nn

from natrob_theory.layers.activation import AbstractActivation, exponential_below_zero
from natrob_theory.layers.answers import describes
from natrob_theory.layers.refusal import ActivationRefusedError, refuse
from natrob_theory.layers.statements import Shape, Slopes
from natrob_theory.numbers.balls import Ball, ball


@describes(nn.ELU)
class ELUAnswers(AbstractActivation[nn.ELU]):
    """σ' = αeˣ below 0 and 1 above."""

    def kinks(self) -> tuple[float, ...]:
        """0."""
        return (0.0,)

    def slopes(self, lower: Tensor, upper: Tensor) -> Slopes:
        """Between the derivatives at the ends, and 1 where 0 lies between."""
        return exponential_below_zero(lower, upper, height=self.module.alpha, rate=1.0)

    def ball(self, entry: Ball) -> Ball:
        """Both halves, each of its part of the ball."""
        return entry.max(0) + ball(float(self.module.alpha)) * entry.min(0).expm1()


@describes(nn.CELU)
class CELUAnswers(AbstractActivation[nn.CELU]):
    """σ' = e^{x/α} below 0 and 1 above; for a negative α it is unbounded."""

    def kinks(self) -> tuple[float, ...]:
        """0."""
        return (0.0,)

    def slopes(self, lower: Tensor, upper: Tensor) -> Slopes:
        """Between the derivatives at the ends."""
        if self.module.alpha <= 0:
            raise ActivationRefusedError(f"the slopes of activation CELU with alpha={self.module.alpha} are unbounded")
        return exponential_below_zero(lower, upper, height=1.0, rate=1.0 / self.module.alpha)

    def lipschitz(self, input_shape: Shape) -> float:
        """1 for a positive α."""
        if self.module.alpha <= 0:
            refuse(self.module, input_shape, f"alpha={self.module.alpha}")
        return super().lipschitz(input_shape)

    def ball(self, entry: Ball) -> Ball:
        """Both halves, each of its part of the ball."""
        alpha = ball(float(self.module.alpha))
        return entry.max(0) + alpha * (entry.min(0) / alpha).expm1()
