"""nn.Softplus."""

import math

import torch
from torch import Tensor, nn

from natrob_theory.layers.activation import AbstractActivation, margined
from natrob_theory.layers.affine import RELATIVE, only_constant
from natrob_theory.layers.answers import describes
from natrob_theory.layers.refusal import ActivationRefusedError, BallRefusedError, refuse
from natrob_theory.layers.statements import Affine, Shape, Slopes
from natrob_theory.numbers.balls import Ball, ball
from natrob_theory.numbers.rounding import EPSILON

LARGEST_THRESHOLD = 80.0
"""e^80 is still a number in float32."""


@describes(nn.Softplus)
class SoftplusAnswers(AbstractActivation[nn.Softplus]):
    """log(1 + e^{βx})/β, β > 0: σ' = s(βx) rises from 0 to 1, s the sigmoid.

    Beyond βx = `threshold` torch computes x instead. That is less by at most log(1 + e^{−threshold})/β, counted as an
    error of the evaluation: constants and slopes are those of the exact function.

    Proof: proofs/symbolic/smooth_rectifiers.py.
    """

    def slopes(self, lower: Tensor, upper: Tensor) -> Slopes:
        """Between the derivatives at the ends. Raises ActivationRefusedError unless β > 0."""
        beta = self.module.beta
        if not beta > 0:
            raise ActivationRefusedError(f"the slopes of activation Softplus with beta={beta} are not known")
        return margined(torch.sigmoid(beta * lower), torch.sigmoid(beta * upper), least=0.0, largest=1.0)

    def lipschitz(self, input_shape: Shape) -> float:
        """1 for a positive β."""
        if not self.module.beta > 0:
            refuse(self.module, input_shape, f"beta={self.module.beta}")
        return super().lipschitz(input_shape)

    def jump(self) -> float:
        """At least log(1 + e^{−threshold})/β."""
        threshold = self.module.threshold
        above = max(-threshold, 0.0) + math.log1p(math.exp(-abs(threshold)))
        return above / self.module.beta * RELATIVE

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """That of every activation, and the jump in each entry, whatever the arithmetic.

        Raises:
            LayerRefusedError: a threshold above `LARGEST_THRESHOLD`, where e^{βx} may overflow before x takes over.
        """
        if self.module.threshold > LARGEST_THRESHOLD:
            refuse(self.module, input_shape, f"threshold={self.module.threshold}, where its exponential may overflow")
        rounded = super().rounding(input_shape, norm, unit)
        return rounded + only_constant(self.jump() * math.sqrt(math.prod(input_shape)) * RELATIVE)

    def evaluation_error(self, point: Tensor, value: Tensor) -> Tensor:
        """The jump besides, from the threshold on."""
        threshold = self.module.threshold
        beyond = self.module.beta * point >= threshold - 8 * EPSILON * abs(threshold)
        return super().evaluation_error(point, value) + self.jump() * beyond.to(point)

    def ball(self, entry: Ball) -> Ball:
        """log(1 + e^{βx})/β, as max(x, 0) + log(1 + e^{−β|x|})/β. Raises BallRefusedError unless β > 0."""
        if not self.module.beta > 0:
            raise BallRefusedError(f"no enclosure in balls is known for Softplus with beta={self.module.beta}")
        beta = ball(float(self.module.beta))
        return entry.max(0) + (-beta * abs(entry)).exp().log1p() / beta
