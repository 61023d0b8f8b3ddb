"""Which of two attacks is the stronger one on the same images."""

import math
from dataclasses import dataclass
from typing import final

from jaxtyping import Bool
from torch import Tensor

from .thresholds import SIGNIFICANCE


@final
@dataclass(frozen=True, kw_only=True)
class PairedComparison:
    """Two attacks on the same images.

    Attributes:
        challenger_only, reference_only: images that only one of them fools.
        p_value: of the one-sided exact sign test (McNemar): the chance that, of so many images fooled by one alone, at
            least `challenger_only` are the challenger's, were each as likely to be either's.
    """

    challenger_only: int
    reference_only: int
    p_value: float

    @property
    def challenger_is_stronger(self) -> bool:
        """Beyond chance."""
        return self.p_value <= SIGNIFICANCE


def compare_fooled(challenger: Bool[Tensor, " images"], reference: Bool[Tensor, " images"]) -> PairedComparison:
    """Compare who is fooled by the challenger with who is by the reference."""
    wins, losses = int((challenger & ~reference).sum()), int((reference & ~challenger).sum())
    return PairedComparison(challenger_only=wins, reference_only=losses, p_value=sign_test(wins, losses))


def sign_test(wins: int, losses: int) -> float:
    """P(W ≥ wins) for W binomial with wins + losses trials of probability ½."""
    trials = wins + losses
    return sum(math.comb(trials, count) for count in range(wins, trials + 1)) / 2**trials
