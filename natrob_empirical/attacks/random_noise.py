"""Random points of the ball: the control that every attack must beat."""

from dataclasses import dataclass
from typing import final

from jaxtyping import Float, Int64
from torch import Tensor

from natrob_empirical.random_streams import SampleStreams
from natrob_theory.argument_checks import require_count

from .abstract_attack import AbstractAttack
from .best_candidate import BestCandidate
from .counted_model import CountedModel


@final
@dataclass(frozen=True)
class RandomNoise(AbstractAttack):
    """The best of `trials` points drawn uniformly from the ball: misclassified first, then the highest loss.

    No attack, but what an attack is compared with: where a gradient attack does no better than this, its
    gradients carry no information (Athalye, Carlini and Wagner, ICML 2018, section 3.1).
    Spends 2 + trials queries and no gradient call per sample.

    Args:
        ball: the threat model.
        trials: points per sample, at least 1.

    Raises:
        TypeError, ValueError: `trials` is not such an integer.
    """

    trials: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count("trials", self.trials)

    def _perturb(
        self,
        model: CountedModel,
        x: Float[Tensor, "batch channels height width"],
        y: Int64[Tensor, " batch"],
        streams: SampleStreams,
    ) -> Float[Tensor, "batch channels height width"]:
        best = BestCandidate(x, y)
        for _ in range(self.trials):
            point = self.ball.random_point(x, streams)
            best.offer(point, model.logits(point))
        return best.image
