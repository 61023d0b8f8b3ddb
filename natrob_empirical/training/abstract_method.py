"""What a way of training supplies: the gradient of its loss on one batch."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar, final

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from natrob_empirical.files.plain_settings import plain_settings


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class StepOutcome:
    """What one batch showed; tensors on the model's device, detached, so that reading them is the engine's choice.

    Attributes:
        loss: the mean loss over the batch, as the method defines it, before the step.
        correct: how many of the images that the method trains on (the perturbed ones, where there are any) were
            labelled correctly.
    """

    loss: Float[Tensor, ""]
    correct: Int64[Tensor, ""]


@dataclass(frozen=True, kw_only=True)
class AbstractTrainingMethod(ABC):
    """A way of training; concrete ones are frozen dataclasses, so that a record holds their settings.

    The engine clears the gradients, calls `backward`, then steps the optimiser.
    """

    name: ClassVar[str]

    @abstractmethod
    def backward(
        self,
        model: nn.Module,
        images: Float[Tensor, "batch channels height width"],
        labels: Int64[Tensor, " batch"],
        *,
        generator: torch.Generator,
    ) -> StepOutcome:
        """Add the gradients of the batch's loss to the parameters' `grad`, and say what was seen.

        Args:
            model: images to logits, in training mode, which it is in again afterwards.
            images: in [0, 1], on the model's device.
            labels: below the number of logits.
            generator: a CPU generator, for whatever the method draws; its state is kept in the run's checkpoints.
        """

    @final
    def settings(self) -> dict[str, Any]:
        """The method's name and settings as plain data; of a method inside it too."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        inner = {name: value.settings() for name, value in values.items() if isinstance(value, AbstractTrainingMethod)}
        return {"name": self.name, **plain_settings(self), **inner}
