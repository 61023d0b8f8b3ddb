"""Standard training: cross-entropy of the images as they are."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from natrob_empirical.training.abstract_method import AbstractTrainingMethod, StepOutcome


@final
@dataclass(frozen=True, kw_only=True)
class StandardTraining(AbstractTrainingMethod):
    """The mean cross-entropy of the images as they are."""

    name: ClassVar[str] = "standard"

    def backward(self, model: nn.Module, images: Tensor, labels: Tensor, *, generator: torch.Generator) -> StepOutcome:
        """One forward and one backward pass; draws nothing."""
        logits = model(images)
        return StepOutcome.of_backward(nn.functional.cross_entropy(logits, labels), logits, labels)
