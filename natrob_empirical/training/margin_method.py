"""Training for a margin: cross-entropy that takes an offset from the correct class's score first."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from natrob_empirical.training.abstract_method import AbstractTrainingMethod, StepOutcome
from natrob_theory.numbers.argument_checks import require_nonnegative, require_positive


@final
@dataclass(frozen=True, kw_only=True)
class MarginTraining(AbstractTrainingMethod):
    """The mean of `CE((s − offset·onehot(y)) / temperature, y)` over the batch, s the scores of the images as they are.

    A network whose Lipschitz constant is bounded cannot lower the cross-entropy by growing its scores, so an image
    that is labelled correctly by a hair would count as done. With the offset it counts as undecided until s_y leads by
    `offset`, and a small temperature weighs the images near that margin most. In units of the scores: where
    s_y − s_j changes by at most √2 per unit of the input, an offset of √2·ε asks for a certified radius of ε.

    offset 0 and temperature 1 are standard training. One forward and one backward pass; nothing is drawn.

    Source: Prach and Lampert, "Almost-orthogonal layers for efficient general-purpose Lipschitz networks", ECCV 2022
    ("OffsetCrossEntropy", there times the temperature, which scales the gradient alone); the margin in the loss of
    1-Lipschitz networks also in Meunier et al., ICML 2022, and Tsuzuku et al., NeurIPS 2018.

    Attributes:
        offset: in units of the scores, at least 0.
        temperature: greater than 0.
    """

    name: ClassVar[str] = "margin"

    offset: float = 0.7
    temperature: float = 0.25

    def __post_init__(self) -> None:
        require_nonnegative("offset", self.offset)
        require_positive("temperature", self.temperature)

    def backward(self, model: nn.Module, images: Tensor, labels: Tensor, *, generator: torch.Generator) -> StepOutcome:
        """One forward and one backward pass. What counts as correct is the largest score, without the offset."""
        logits = model(images)
        loss = margin_loss(logits, labels, offset=self.offset, temperature=self.temperature)
        return StepOutcome.of_backward(loss, logits, labels)


def margin_loss(
    logits: Float[Tensor, "batch classes"], labels: Int64[Tensor, " batch"], *, offset: float, temperature: float
) -> Float[Tensor, ""]:
    """The mean of `CE((s − offset·onehot(y)) / temperature, y)` over the batch."""
    raised = nn.functional.one_hot(labels, logits.shape[1]).to(logits.dtype)
    return nn.functional.cross_entropy((logits - offset * raised) / temperature, labels)
