"""The losses that Auto-PGD increases: functions of the logits, one number per sample."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Final, final

from torch import Tensor

from .counted_model import cross_entropy
from .margin import margin, power_of_two_near
from .tensor_types import Classes, Logits, Values

_SMALLEST_SPREAD: Final = 1e-12  # logits that agree have no spread to divide by; as in the authors' implementation


class AbstractLoss(ABC):
    """A loss that is high where a sample is misclassified; an attack gives it to the counted model as its objective.

    Attributes:
        abbreviation: its name in the literature.
    """

    abbreviation: ClassVar[str]

    @abstractmethod
    def __call__(self, logits: Logits, y: Classes) -> Values:
        """The loss of each sample, differentiable in the logits."""

    @abstractmethod
    def towards(self, logits: Logits, target: Classes) -> Values:
        """The loss to be increased to have each sample taken for its target class."""


@final
@dataclass(frozen=True)
class CrossEntropy(AbstractLoss):
    """`−log softmax(z)_y`. Its gradient vanishes, in floating point, where the model is too sure of itself."""

    abbreviation: ClassVar[str] = "CE"

    def __call__(self, logits: Logits, y: Classes) -> Values:
        """−log softmax(z)_y of each sample."""
        return cross_entropy(logits, y)

    def towards(self, logits: Logits, target: Classes) -> Values:
        """log softmax(z)_t of each sample."""
        return -cross_entropy(logits, target)


@final
@dataclass(frozen=True)
class Margin(AbstractLoss):
    """`max_{i≠y} z_i − z_y`: positive where a sample is misclassified, and never saturated; any number of classes.

    Source: Carlini and Wagner, "Towards evaluating the robustness of neural networks", S&P 2017.
    """

    abbreviation: ClassVar[str] = "margin"

    def __call__(self, logits: Logits, y: Classes) -> Values:
        """The lead of the strongest rival of each sample."""
        return -margin(logits, y)

    def towards(self, logits: Logits, target: Classes) -> Values:
        """The lead of the target over its strongest rival."""
        return margin(logits, target)


@final
@dataclass(frozen=True)
class DLR(AbstractLoss):
    """The difference of logits ratio `−(z_y − max_{i≠y} z_i)/(z_π1 − z_π3)`, π sorting the logits in falling order.

    It does not change when the logits are shifted or scaled, so that no model can hide by being sure of itself.

    Source: Croce and Hein, ICML 2020, equation 6.
    """

    abbreviation: ClassVar[str] = "DLR"

    def __call__(self, logits: Logits, y: Classes) -> Values:
        """The ratio of each sample.

        Raises:
            ValueError: fewer than 3 classes.
        """
        _require_classes("the DLR loss", logits, 3)
        logits = logits / power_of_two_near(logits)[:, None]
        largest = logits.topk(3, dim=1).values
        return -margin(logits, y) / (largest[:, 0] - largest[:, 2] + _SMALLEST_SPREAD)

    def towards(self, logits: Logits, target: Classes) -> Values:
        """`(z_t − max_{i≠t} z_i)/(z_π1 − (z_π3 + z_π4)/2)`: equation 7, with the strongest rival for the label.

        Raises:
            ValueError: fewer than 4 classes.
        """
        _require_classes("the targeted DLR loss", logits, 4)
        logits = logits / power_of_two_near(logits)[:, None]
        return margin(logits, target) / _targeted_spread(logits)


def targeted_dlr(logits: Logits, y: Classes, target: Classes) -> Values:
    """`−(z_y − z_t)/(z_π1 − (z_π3 + z_π4)/2)` of each sample, for the target class t.

    Source: Croce and Hein, ICML 2020, equation 7.

    Raises:
        ValueError: fewer than 4 classes.
    """
    _require_classes("the targeted DLR loss", logits, 4)
    logits = logits / power_of_two_near(logits)[:, None]
    return (_of_class(logits, target) - _of_class(logits, y)) / _targeted_spread(logits)


def _targeted_spread(logits: Tensor) -> Tensor:
    largest = logits.topk(4, dim=1).values
    return largest[:, 0] - (largest[:, 2] + largest[:, 3]) / 2 + _SMALLEST_SPREAD


def _of_class(logits: Tensor, classes: Tensor) -> Tensor:
    return logits.gather(1, classes[:, None]).squeeze(1)


def _require_classes(loss: str, logits: Tensor, minimum: int) -> None:
    if logits.shape[1] < minimum:
        raise ValueError(
            f"`model` must have at least {minimum} classes for {loss}, got {logits.shape[1]} logits; "
            "APGD with Margin() or CrossEntropy() attacks models of any number of classes"
        )
