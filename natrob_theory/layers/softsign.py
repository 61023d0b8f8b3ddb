"""nn.Softsign."""

from torch import Tensor, nn

from natrob_theory.layers.activation import AbstractActivation, bell
from natrob_theory.layers.answers import describes
from natrob_theory.layers.statements import Slopes
from natrob_theory.numbers.balls import Ball


@describes(nn.Softsign)
class SoftsignAnswers(AbstractActivation[nn.Softsign]):
    """x/(1 + |x|): σ' = (1 + |x|)⁻² falls with |x|."""

    def slopes(self, lower: Tensor, upper: Tensor) -> Slopes:
        """A bell of height 1."""
        return bell(lower, upper, lambda x: (1.0 + x.abs()) ** -2, peak=1.0)

    def ball(self, entry: Ball) -> Ball:
        """x/(1 + |x|)."""
        return entry / (1 + abs(entry))
