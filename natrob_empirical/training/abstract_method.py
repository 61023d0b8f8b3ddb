"""A way of training: it supplies the gradient of its loss on one batch, and may hold the weights in a set."""

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
    """The result of one batch; tensors on the model's device, detached, so that reading them is the engine's choice.

    Attributes:
        loss: the mean loss over the batch, as the method defines it, before the step.
        correct: how many of the images that the method trains on (the perturbed ones, where there are any) were
            labelled correctly.
    """

    loss: Float[Tensor, ""]
    correct: Int64[Tensor, ""]

    @staticmethod
    def of_backward(
        loss: Float[Tensor, ""], logits: Float[Tensor, "batch classes"], labels: Int64[Tensor, " batch"]
    ) -> "StepOutcome":
        """Add the loss' gradients to the parameters' `grad`; an image counts as correct by its largest logit."""
        loss.backward()
        return StepOutcome(loss=loss.detach(), correct=(logits.detach().argmax(dim=1) == labels).sum())


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

    def after(self, share: float) -> "AbstractTrainingMethod":
        """The method for the step that comes after this share of the run's steps; the same one unless it changes.

        A function of the share alone, so that a resumed run repeats it.

        Args:
            share: finished steps over all steps, from 0 up to but not 1.
        """
        return self

    @final
    def settings(self) -> dict[str, Any]:
        """The method's name and settings as plain data; of a method inside it too."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        inner = {name: value.settings() for name, value in values.items() if isinstance(value, AbstractTrainingMethod)}
        return {"name": self.name, **plain_settings(self), **inner}


class AbstractWeightConstraint(ABC):
    """Changes the weights of one model in place; a function of the weights alone, so that a resumed run repeats it."""

    @abstractmethod
    def after_step(self) -> None:
        """Bring the weights back near the set; also called once before the first step. Must be cheap."""

    @abstractmethod
    def finish(self) -> None:
        """Bring the trained weights into the set, exactly."""


@dataclass(frozen=True, kw_only=True)
class AbstractConstrainedTraining(AbstractTrainingMethod):
    """A way of training whose weights stay in a set; the engine then uses its constraint."""

    @abstractmethod
    def constraint(self, model: nn.Module, image_shape: tuple[int, ...]) -> AbstractWeightConstraint:
        """The constraint of this model on images of this shape (channels, height, width); changes no weight yet.

        Raises:
            ValueError: the model has weights that the constraint says nothing of.
        """
