"""The samples an attack still works on: whoever is fooled leaves at once, and everything kept about it too."""

from typing import final

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from natrob_empirical.random_streams import SampleStreams
from natrob_empirical.threat_models import AbstractBall, AbstractNeighbourhood

from .counted_model import CountedModel


@final
class ActiveSet:
    """The samples of an attack that are not fooled yet, and the strongest image so far of every sample.

    An attack keeps its own state in tensors with one row per active sample and hands them to `settle`, which returns
    the rows of those that stay. Each sample has random numbers of its own and the model answers each alone, so what
    happens to a sample does not depend on who else is there, but for the model's rounding.

    The strongest image is the first that is misclassified, else the one of the highest cross-entropy loss so far, the
    earlier one among equals: showing more images never makes the result weaker.

    Args:
        model: the counted model of these samples.
        x: their images, all classified correctly.
        y: their labels.
        streams: their random streams.
        ball: the threat model.
        compaction: False keeps fooled samples in the batch: the same result, for comparison.

    Attributes:
        model, x, y, streams, neighbourhood: of the active samples only.
    """

    def __init__(
        self,
        model: CountedModel,
        x: Float[Tensor, "batch channels height width"],
        y: Int64[Tensor, " batch"],
        streams: SampleStreams,
        ball: AbstractBall,
        *,
        compaction: bool = True,
    ) -> None:
        self.model = model
        self.x = x
        self.y = y
        self.streams = streams
        self.neighbourhood: AbstractNeighbourhood = ball.around(x)
        self._ball = ball
        self._compaction = compaction
        self._best = x.clone()
        self._loss = torch.full(y.shape, -torch.inf, dtype=torch.float64, device=x.device)
        self._fooled = torch.zeros(y.shape, dtype=torch.bool, device=x.device)
        self._rows = torch.arange(len(x), device=x.device)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def best(self) -> Float[Tensor, "all channels height width"]:
        """The strongest image of every sample, those that have left included."""
        return self._best

    @property
    def all_fooled(self) -> bool:
        """Whether no work is left."""
        return bool(self._fooled.all()) if not self._compaction else len(self) == 0

    def random_point(self) -> Float[Tensor, "batch channels height width"]:
        """A uniformly drawn point of each active sample's ball."""
        return self._ball.random_point(self.x, self.streams)

    def propose(self, point: Float[Tensor, "batch channels height width"]) -> None:
        """Take `point` as the strongest image without asking the model: for an attack that ends here."""
        self._best[self._rows] = point

    def settle(
        self,
        point: Float[Tensor, "batch channels height width"],
        logits: Float[Tensor, "batch classes"],
        *state: Tensor,
    ) -> tuple[Tensor, ...]:
        """Record the model's answer to `point`, let the fooled samples leave, and return the rows of `state` that stay.

        With mixed precision a sample leaves only when the model misclassifies its image in full precision too, which
        costs one more query.
        """
        fooled = logits.argmax(dim=1) != self.y
        if self.model.mixed_precision and bool(fooled.any()):
            suspects = fooled.nonzero().squeeze(1)
            answers = self.model.select(suspects).full_precision_logits(point[suspects])
            fooled[suspects] = answers.argmax(dim=1) != self.y[suspects]
        self._record(point, logits, fooled)
        if not self._compaction or not bool(fooled.any()):
            return state
        return self._keep(~fooled, state)

    def _record(self, point: Tensor, logits: Tensor, fooled: Bool[Tensor, " batch"]) -> None:
        """Take each sample's point where it beats the best; nothing beats the first misclassified one."""
        loss = nn.functional.cross_entropy(logits.double(), self.y, reduction="none")
        rows = self._rows
        better = ~self._fooled[rows] & (fooled | (loss > self._loss[rows]))
        self._best[rows] = torch.where(better[:, None, None, None], point, self._best[rows])
        self._loss[rows] = torch.where(better, loss, self._loss[rows])
        self._fooled[rows] |= fooled

    def _keep(self, staying: Bool[Tensor, " batch"], state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        index = staying.nonzero().squeeze(1)
        self.model, self.streams = self.model.select(index), self.streams.select(index)
        self.x, self.y, self._rows = self.x[index], self.y[index], self._rows[index]
        self.neighbourhood = self.neighbourhood.select(index)
        return tuple(tensor[index] for tensor in state)
