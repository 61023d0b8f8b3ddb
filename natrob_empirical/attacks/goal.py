"""The goal of an attack: any wrong class, or one class in particular."""

from abc import ABC, abstractmethod
from typing import Final, final

from .counted_model import cross_entropy
from .margin import log_odds_against, margin
from .tensor_types import Classes, Logits, Truths, Values


class AbstractGoal(ABC):
    """When an image has reached the goal, and how near it is. `classes` are the labels, or the target classes."""

    @abstractmethod
    def reached(self, logits: Logits, classes: Classes) -> Truths:
        """Whether the model's answer is what the attack is after."""

    @abstractmethod
    def loss(self, logits: Logits, classes: Classes) -> Values:
        """The loss that gradient attacks increase, from the cross-entropy."""

    @abstractmethod
    def margin(self, logits: Logits, classes: Classes) -> Values:
        """The margin that attacks without gradients lower: at most 0 where the goal is reached, else at least 0."""

    @abstractmethod
    def closeness(self, logits: Logits, classes: Classes) -> Values:
        """Orders images as `loss` does, also where that is rounded to a constant."""


@final
class Misclassification(AbstractGoal):
    """Any class but the label."""

    def reached(self, logits: Logits, classes: Classes) -> Truths:
        """The largest logit is not the label's."""
        return logits.argmax(dim=1) != classes

    def loss(self, logits: Logits, classes: Classes) -> Values:
        """`−log softmax(z)_y`."""
        return cross_entropy(logits, classes)

    def margin(self, logits: Logits, classes: Classes) -> Values:
        """`z_y − max_{j≠y} z_j`."""
        return margin(logits, classes)

    def closeness(self, logits: Logits, classes: Classes) -> Values:
        """`log Σ_{j≠y} e^{z_j} − z_y`."""
        return log_odds_against(logits, classes)


@final
class TargetClass(AbstractGoal):
    """One class t per image, other than its label."""

    def reached(self, logits: Logits, classes: Classes) -> Truths:
        """The largest logit is the target's."""
        return logits.argmax(dim=1) == classes

    def loss(self, logits: Logits, classes: Classes) -> Values:
        """`log softmax(z)_t`."""
        return -cross_entropy(logits, classes)

    def margin(self, logits: Logits, classes: Classes) -> Values:
        """`max_{j≠t} z_j − z_t`."""
        return -margin(logits, classes)

    def closeness(self, logits: Logits, classes: Classes) -> Values:
        """`z_t − log Σ_{j≠t} e^{z_j}`."""
        return -log_odds_against(logits, classes)


ANY_OTHER_CLASS: Final = Misclassification()
TARGET_CLASS: Final = TargetClass()
