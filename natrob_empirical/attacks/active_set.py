"""The samples an attack still works on: whoever is fooled leaves at once, and everything kept about it too."""

from collections.abc import Callable, Iterable
from typing import Final, final

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_empirical.random_streams import SampleStreams
from natrob_empirical.threat_models import AbstractBall, AbstractNeighbourhood

from .counted_model import CountedModel
from .goal import ANY_OTHER_CLASS, TARGET_CLASS, AbstractGoal
from .tensor_types import Classes, Images, Logits, Truths, Values

AT_ONCE: Final = 256
"""Images in a batch of efficient size: beyond it, one more costs as much as in a batch of its own size."""


@final
class ActiveSet:
    """The samples of an attack that are not fooled yet, and the strongest image so far of every sample.

    An attack keeps its own state in tensors with one row per active sample and hands them to `settle`, which returns
    the rows of those that stay. Each sample has random numbers of its own and the model answers each alone, so what
    happens to a sample does not depend on who else is there, but for the model's rounding.

    The strongest image is the first that reaches the goal, that is, one that is misclassified, or taken for the target
    class where there is one; else the one of the highest loss so far, the earlier one among equals: showing more images
    never makes the result weaker. A sample that has reached the goal is called fooled.

    Args:
        model: the counted model of these samples.
        x: their images, all classified correctly.
        y: their labels.
        streams: their random streams.
        ball: the threat model.
        compaction: False keeps fooled samples in the batch: the same result, for comparison.
        target: the classes that the samples are to be taken for; None is content with any misclassification.
        attack: the name of the attack, for messages.
        at_once: an attack that shows several images of a sample together shows at most so many in one pass, unless the
            samples are more.
        watch: is shown every point that the attack settles, with the best image so far of samples that have left. The
            attack then runs to its end for every sample: nobody counts as fooled, and the strongest image is that of
            the highest loss.

    Attributes:
        model, x, y, target, streams, neighbourhood: of the active samples only.
        at_once: as given.
        goal: what the attack is after; its methods take logits and `classes`.
    """

    def __init__(  # noqa: PLR0913 - what belongs to each sample, and how the search goes
        self,
        model: CountedModel,
        x: Images,
        y: Classes,
        streams: SampleStreams,
        ball: AbstractBall,
        *,
        compaction: bool = True,
        target: Classes | None = None,
        attack: str = "an attack",
        at_once: int = AT_ONCE,
        watch: Callable[[Tensor], None] | None = None,
    ) -> None:
        self.model = model
        self.x = x
        self.y = y
        self.target = target
        self.goal: AbstractGoal = ANY_OTHER_CLASS if target is None else TARGET_CLASS
        self.streams = streams
        self.neighbourhood: AbstractNeighbourhood = ball.around(x)
        self.at_once = at_once
        self._ball = ball
        self._compaction = compaction
        self._attack = attack
        self._watch = watch
        self._best = x.clone()
        self._loss = torch.full(y.shape, -torch.inf, dtype=torch.float64, device=x.device)
        self._fooled = torch.zeros(y.shape, dtype=torch.bool, device=x.device)
        self._rows = torch.arange(len(x), device=x.device)

    def __len__(self) -> int:
        return self._rows.shape[0]

    @property
    def classes(self) -> Classes:
        """The classes that the goal compares with: the target classes where there are any, else the labels."""
        return self.y if self.target is None else self.target

    @property
    def best(self) -> Float[Tensor, "all channels height width"]:
        """The strongest image of every sample, those that have left included."""
        return self._best

    @property
    def watched(self) -> bool:
        """Whether somebody is shown every point."""
        return self._watch is not None

    @property
    def unfooled(self) -> int:
        """How many samples are not fooled yet."""
        return len(self) - int(self._fooled.sum())

    @property
    def all_fooled(self) -> bool:
        """Whether no work is left."""
        return len(self) == 0 if self._compaction else bool(self._fooled.all())

    def reached(self, logits: Logits) -> Truths:
        """Whether answers to one image per active sample are what the attack is after."""
        return self.goal.reached(logits, self.classes)

    def margin(self, logits: Logits) -> Values:
        """How far such answers are from it, in logits; at most 0 where it is reached."""
        return self.goal.margin(logits, self.classes)

    def random_point(self) -> Images:
        """A uniformly drawn point of each active sample's ball."""
        return self._ball.random_point(self.x, self.streams)

    def propose(self, point: Images) -> None:
        """Take `point` as the strongest image without asking the model: for an attack that ends here.

        A sample that is fooled already keeps the image that fooled it.

        Raises:
            ValueError: `point` has another shape or dtype than the images.
        """
        self._require_point(point)
        index = (~self._fooled).nonzero().squeeze(1)
        self._best[self._rows[index]] = point[index].detach()

    def settle(self, point: Images, logits: Logits, *state: Tensor, judged: Truths | None = None) -> tuple[Tensor, ...]:
        """Record the model's answer to `point`, let the fooled samples leave, and return the rows of `state` that stay.

        With mixed precision a sample leaves only when its image reaches the goal in full precision too, which costs one
        more query.

        Args:
            point: one image per active sample.
            logits: what the model answered to it.
            state: tensors with one row per active sample.
            judged: for which samples `logits` really are the answer to `point`; the others stay as they are.

        Raises:
            ValueError: `point` has another shape or dtype than the images, or `logits`, `judged` or a tensor of `state`
                not one row per active sample.
        """
        self._require_point(point)
        self._require_rows(logits, *state)
        fooled = self.reached(logits)
        if judged is not None:
            self._require_rows(judged)
            fooled &= judged
        if self._watch is not None:
            everyone = self._best.clone()
            everyone[self._rows] = point.detach()
            self._watch(everyone)
            fooled = torch.zeros_like(fooled)
        if not self._compaction:
            fooled &= ~self._fooled
        any_fooled = bool(fooled.any())
        if any_fooled and self.model.mixed_precision:
            fooled = self._confirm(point, fooled)
            any_fooled = bool(fooled.any())
        self._record(point, logits, fooled, judged)
        return self._keep(~fooled, state) if any_fooled and self._compaction else state

    def show(self, points: Iterable[Images]) -> None:
        """Settles one point after the other, until every sample is fooled; each is made when its turn comes."""
        for point in points:
            self.settle(point, self.model.logits(point))
            if self.all_fooled:
                return

    def release(self, staying: Truths, *state: Tensor) -> tuple[Tensor, ...]:
        """Let all others go, fooled or not: they have nothing left to try. Return the rows of `state` that stay.

        Raises:
            ValueError: `staying` or a tensor of `state` has not one row per active sample.
        """
        self._require_rows(staying, *state)
        return self._keep(staying, state)

    def _confirm(self, point: Tensor, fooled: Truths) -> Truths:
        """Which of the samples that seem fooled are so in full precision."""
        suspects = fooled.nonzero().squeeze(1)
        answers = self.model.select(suspects).full_precision_logits(point[suspects])
        confirmed = fooled.clone()
        confirmed[suspects] = self.goal.reached(answers, self.classes[suspects])
        return confirmed

    def _record(self, point: Tensor, logits: Tensor, fooled: Truths, judged: Truths | None) -> None:
        """Take each sample's point where it beats the best; nothing beats the first that reaches the goal."""
        loss = self.goal.closeness(logits.double(), self.classes)
        better = fooled | (loss > self._loss) & ~self._fooled
        if judged is not None:
            better &= judged
        index = better.nonzero().squeeze(1)
        self._best[self._rows[index]] = point[index]
        self._loss = torch.where(better, loss, self._loss)
        self._fooled = self._fooled | fooled

    def _keep(self, staying: Truths, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        index = staying.nonzero().squeeze(1)
        self.model, self.streams = self.model.select(index), self.streams.select(index)
        self.x, self.y, self._rows = self.x[index], self.y[index], self._rows[index]
        self.target = None if self.target is None else self.target[index]
        self._loss, self._fooled = self._loss[index], self._fooled[index]
        self.neighbourhood = self.neighbourhood.select(index)
        return tuple(tensor[index] for tensor in state)

    def _require_point(self, point: Tensor) -> None:
        if point.shape != self.x.shape or point.dtype != self.x.dtype:
            raise ValueError(
                f"{self._attack} must propose {self.x.dtype} images of shape {tuple(self.x.shape)}, "
                f"got {point.dtype} of shape {tuple(point.shape)}"
            )

    def _require_rows(self, *tensors: Tensor) -> None:
        """A tensor that missed an earlier `settle` would be read at the wrong rows from here on."""
        rows = len(self)
        for tensor in tensors:
            if tensor.dim() == 0 or tensor.shape[0] != rows:
                raise ValueError(
                    f"{self._attack} must settle tensors of {len(self)} rows, one per active sample, "
                    f"got shape {tuple(tensor.shape)}"
                )
