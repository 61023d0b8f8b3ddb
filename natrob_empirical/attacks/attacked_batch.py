"""The images of one call of an attack, with what belongs to each of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Int64
from torch import Tensor

from natrob_empirical.random_streams import SampleStreams
from natrob_empirical.threat_models import AbstractBall

from .active_set import AT_ONCE, ActiveSet
from .attack_inputs import require_labels_in_range
from .counted_model import CountedModel
from .goal import ANY_OTHER_CLASS, TARGET_CLASS
from .tensor_types import Classes, Images, Logits, Truths


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class AttackedBatch:
    """Images, labels, target classes if there are any, and random streams.

    Attributes:
        x, y: the images and their labels.
        target: the classes that the images are to be taken for; None is content with any misclassification.
        streams: one per image.
        at_once: as of `ActiveSet`.
    """

    x: Images
    y: Classes
    target: Classes | None
    streams: SampleStreams
    at_once: int = AT_ONCE

    def require_classes(self, num_classes: int) -> None:
        """Raise ValueError if a label or a target is not the number of one of the model's logits."""
        require_labels_in_range(self.y, num_classes)
        if self.target is not None:
            require_labels_in_range(self.target, num_classes, name="targeted")

    def reached(self, logits: Logits) -> Truths:
        """Whether the answers are what the attack is after."""
        return (
            ANY_OTHER_CLASS.reached(logits, self.y)
            if self.target is None
            else TARGET_CLASS.reached(logits, self.target)
        )

    def select(self, index: Int64[Tensor, " chosen"]) -> "AttackedBatch":
        """Some of the images."""
        return AttackedBatch(
            x=self.x[index],
            y=self.y[index],
            target=None if self.target is None else self.target[index],
            streams=self.streams.select(index),
            at_once=self.at_once,
        )

    def only(self, row: int) -> "AttackedBatch":
        """One of the images."""
        return self.select(torch.tensor([row], device=self.x.device))

    def search(
        self,
        model: CountedModel,
        ball: AbstractBall,
        *,
        compaction: bool,
        attack: str,
        watch: Callable[[Tensor], None] | None = None,
    ) -> ActiveSet:
        """The samples at the beginning of an attack; arguments as of `ActiveSet`."""
        return ActiveSet(
            model, self.x.clone(), self.y, self.streams, ball,
            compaction=compaction, target=self.target, attack=attack, at_once=self.at_once, watch=watch,
        )  # fmt: skip
