"""Which of two attacks is the stronger one on the same images."""

from dataclasses import dataclass
from typing import final

from jaxtyping import Bool
from torch import Tensor

from natrob_empirical.statistics.p_values import sign_test

from .thresholds import SIGNIFICANCE


@final
@dataclass(frozen=True, kw_only=True)
class FooledByOne:
    """Images that one of two attacks fools and the other does not.

    Attributes:
        challenger_only, reference_only: how many.
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


def compare_fooled(challenger: Bool[Tensor, " images"], reference: Bool[Tensor, " images"]) -> FooledByOne:
    """Compare who is fooled by the challenger with who is by the reference."""
    wins, losses = int((challenger & ~reference).sum()), int((reference & ~challenger).sum())
    p_value = sign_test(wins, losses, alternative="greater")
    return FooledByOne(challenger_only=wins, reference_only=losses, p_value=p_value)
