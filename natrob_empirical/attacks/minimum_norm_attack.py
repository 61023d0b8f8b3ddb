"""The base of attacks that look for the nearest misclassified image."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from natrob_empirical.random_streams import SampleStreams, require_cpu_generator

from .abstract_attack import AbstractAttack
from .active_set import AT_ONCE, ActiveSet
from .attack_inputs import require_images_and_labels
from .attack_result import joined_fields
from .attacked_batch import AttackedBatch
from .company import OneImageAtATime
from .counted_model import Classifier, CountedModel
from .nearest_search import NearestSearch
from .tensor_types import Classes, Counts, ExactValues, Images, Truths


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class MinimumNormResult:
    """The nearest misclassified images that a search found.

    A distance is an UPPER bound of the distance to the nearest misclassified image: another search may find a nearer
    one. A lower bound comes from a certificate, never from here.

    Attributes:
        adversarial: misclassified images in the pixel range; the given image where none was found.
        distance: from the given images, in the norm of the attack's ball; 0 where the given image is misclassified
            already, ∞ where none was found.
        found: whether one was found.
        queries, gradient_calls, one_at_a_time: as in `AttackResult`.
    """

    adversarial: Images
    distance: ExactValues
    found: Truths
    queries: Counts
    gradient_calls: Counts
    one_at_a_time: bool = False

    @classmethod
    def joined(cls, parts: Sequence["MinimumNormResult"]) -> "MinimumNormResult":
        """The outcomes of several batches, one after the other."""
        return cls(**joined_fields(parts))


@dataclass(frozen=True)
class AbstractMinimumNormAttack(AbstractAttack):
    """An attack that looks for the nearest misclassified image, in the norm of its ball.

    Called like every attack, it stops at the first one inside the ball. `minimise` disregards the radius and searches
    to the end. A new attack supplies `_approach`. A sample without a starting point is not fooled, and harms no other.
    """

    @final
    def minimise(
        self,
        model: Classifier,
        x: Images,
        y: Classes,
        *,
        generator: torch.Generator,
        targeted: int | Classes | None = None,
        at_once: int = AT_ONCE,
    ) -> MinimumNormResult:
        """Search for the nearest misclassified image of every sample, wherever it lies in the pixel range.

        With `targeted` it is the nearest that is taken for its target class. A mask of the ball holds.

        Args and raises: as for a call of the attack.
        """
        require_images_and_labels(x, y)
        require_cpu_generator("generator", generator)
        streams = SampleStreams(generator, len(x), x.device)
        return self._outcome(self._minimise, MinimumNormResult.joined, model, x, y, streams, targeted, at_once)

    @abstractmethod
    def _approach(self, search: NearestSearch) -> None:
        """The search itself, on samples that are all classified correctly: its result is `search.best`."""

    @final
    def _perturb(self, active: ActiveSet) -> None:
        self._approach(NearestSearch(active, self.ball, leave_inside=True))

    @final
    def _minimise(self, model: CountedModel, batch: AttackedBatch, logits: Tensor) -> MinimumNormResult:
        found = batch.reached(logits)
        adversarial = batch.x.clone()
        rows = (~found).nonzero().squeeze(1)
        if len(rows):
            meter, chosen = model.select(rows), batch.select(rows)
            active = chosen.search(meter, self.ball, compaction=False, attack=type(self).__name__)
            search = NearestSearch(active, self.ball, leave_inside=False)
            self._approach(search)
            nearest = search.best.clamp(0, 1)
            fooled = chosen.reached(meter.full_precision_logits(nearest))
            adversarial[rows] = torch.where(fooled[:, None, None, None], nearest, chosen.x)
            found[rows] = fooled
        distance = torch.where(found, self.ball.distance(adversarial, batch.x), torch.inf)
        return MinimumNormResult(
            adversarial=adversarial,
            distance=distance,
            found=found,
            queries=model.queries,
            gradient_calls=model.gradient_calls,
            one_at_a_time=isinstance(model.classifier, OneImageAtATime),
        )
