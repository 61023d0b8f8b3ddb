"""nn.PReLU."""

from torch import Tensor, nn

from natrob_theory.layers.activation import AbstractActivation, kinked
from natrob_theory.layers.answers import AbstractLayer, describes
from natrob_theory.layers.refusal import ActivationRefusedError, BallRefusedError
from natrob_theory.layers.statements import Piece, Shape, Slopes
from natrob_theory.numbers.balls import Ball, ball


@describes(nn.PReLU)
class PReLUAnswers(AbstractActivation[nn.PReLU]):
    """x above 0, w·x below, w trained: one weight, or one for each channel.

    Proof: proofs/symbolic/activation_slope_intervals.py.
    """

    def kinks(self) -> tuple[float, ...]:
        """0."""
        return (0.0,)

    def slopes(self, lower: Tensor, upper: Tensor) -> Slopes:
        """Those of the two halves that the interval meets. Raises ActivationRefusedError for several weights."""
        if self.module.weight.numel() != 1:
            raise ActivationRefusedError(
                f"the slopes of activation PReLU with {self.module.weight.numel()} weights differ by channel, and "
                f"nothing says here which entry is in which; with num_parameters=1 they are known"
            )
        return kinked(lower, upper, left=float(self.module.weight.detach()))

    def lipschitz(self, input_shape: Shape) -> float:
        """max(1, max|w|)."""
        return max(1.0, float(self.module.weight.detach().double().abs().max()))

    def pieces(self, input_shape: Shape) -> list[Piece]:
        """σ itself with one weight, else its constant."""
        if self.module.weight.numel() == 1:
            return super().pieces(input_shape)
        return AbstractLayer.pieces(self, input_shape)

    def ball(self, entry: Ball) -> Ball:
        """Both halves, each of its part of the ball. Raises BallRefusedError for several weights."""
        if self.module.weight.numel() != 1:
            raise BallRefusedError("no enclosure in balls is known for PReLU with more than one weight")
        return entry.max(0) + ball(float(self.module.weight.detach())) * entry.min(0)
