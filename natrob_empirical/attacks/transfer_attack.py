"""Images made on one model and shown to another."""

import math
from dataclasses import KW_ONLY, dataclass, field
from typing import Final, final

import torch
from torch import Tensor

from .abstract_attack import AbstractAttack
from .active_set import ActiveSet
from .attacked_batch import AttackedBatch
from .counted_model import Classifier, CountedModel, evaluation_mode
from .model_checks import shown_alone_if_needed
from .most_calls import MostCalls
from .pgd import PGD

_DEFAULT_STEPS: Final = 50


@final
@dataclass(frozen=True)
class TransferAttack(AbstractAttack):
    """An attack on `source`, whose images are then shown to the model under attack.

    The attack on the source never stops at a source that is fooled: a barely misclassified image transfers badly, so
    it goes on raising the loss to its end. The model is shown the image of the highest loss first, then, to the samples
    that are left, the points number 1, 2, 4, 8, … that the attack asked the source about: images of few steps fit the
    source less and may transfer better. With the model itself as source this is as strong as the attack itself.

    The counts are those of the model under attack: at most 4 + ⌊log₂ k⌋ queries per sample, k being the points the
    attack asks the source about (steps + 1 of PGD), and no gradient call. What the source spends is not counted.
    Needs nothing of the model but its answer.

    Source: Papernot, McDaniel and Goodfellow, arXiv 1605.07277 (2016); that one-step images transfer better: Kurakin,
    Goodfellow and Bengio, "Adversarial machine learning at scale", ICLR 2017.

    Args:
        ball: the threat model.
        source: images to logits, of the same classes; an `nn.Module` is attacked in eval mode.
        attack: what runs on the source, in the same ball; None means `PGD(ball, steps=50)`.

    Raises:
        TypeError: `source` is not callable, or `attack` no attack.
        ValueError: the attack has another ball.
    """

    kind = "transfer"
    takes_targets = True

    _: KW_ONLY
    source: Classifier = field(repr=False)
    attack: AbstractAttack | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not callable(self.source):
            raise TypeError(f"`source` must be a model, images to logits, got {type(self.source).__name__}")
        if self.attack is None:
            return
        if not isinstance(self.attack, AbstractAttack):
            raise TypeError(f"`attack` must be an attack such as {PGD(self.ball)!r}, got {type(self.attack).__name__}")
        if self.attack.ball != self.ball:
            raise ValueError(f"`attack` must have the ball {self.ball!r}, got {self.attack.ball!r}")

    def _most_calls(self, num_classes: int | None, *, targeted: bool) -> MostCalls:
        points = self._on_source.most_calls(num_classes, targeted=targeted).queries
        return MostCalls(4 + math.floor(math.log2(points)), 0)

    @property
    def _on_source(self) -> AbstractAttack:
        return PGD(self.ball, steps=_DEFAULT_STEPS) if self.attack is None else self.attack

    def _perturb(self, active: ActiveSet) -> None:
        rows = torch.arange(len(active), device=active.x.device)
        for image in self._images(active):
            point = image[rows]
            (rows,) = active.settle(point, active.model.logits(point), rows)
            if active.all_fooled:
                return

    def _images(self, active: ActiveSet) -> list[Tensor]:
        """Attacks the source; returns its finds, one image per sample in each entry, the strongest first."""
        seen = ThinnedPoints()
        attack = self._on_source
        if active.target is not None and not attack.takes_targets:
            raise ValueError(f"`attack` must take target classes where some are given, got {attack!r}")
        with evaluation_mode(self.source):
            source = shown_alone_if_needed(self.source, active.x)
            meter = CountedModel(source, len(active), active.x.device, mixed_precision=self.mixed_precision)
            batch = AttackedBatch(
                x=active.x, y=active.y, target=active.target, streams=active.streams, at_once=active.at_once
            )
            batch.require_classes(meter.logits(active.x).shape[1])
            search = batch.search(meter, self.ball, compaction=True, attack=type(attack).__name__, watch=seen)
            attack._perturb(search)
        return [self.ball.project(image, active.x) for image in (search.best, *seen.points)]


@final
class ThinnedPoints:
    """Those of the points it is called with whose number is a power of two."""

    def __init__(self) -> None:
        self.points: list[Tensor] = []
        self._count = 0

    def __call__(self, point: Tensor) -> None:
        """Keep the point, or not."""
        self._count += 1
        if self._count & (self._count - 1) == 0:
            self.points.append(point)
