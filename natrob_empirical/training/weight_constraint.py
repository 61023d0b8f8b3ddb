"""What a way of training supplies that also holds the weights in a set: an operation after every step."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import nn

from natrob_empirical.training.abstract_method import AbstractTrainingMethod


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
