"""The results of an epoch's steps, kept on the device until they are read."""

import math
import time
from collections.abc import Sequence
from typing import Final, final

import torch
from torch import Tensor

from natrob_empirical.training.abstract_method import StepOutcome


@final
class EpochMeter:
    """Losses and correct answers of one epoch; nothing here waits for the device but `read`.

    Args:
        sizes: how many images each step takes.
        device: the model's.

    Attributes:
        losses: of each step, on the device; those after the last finished step are 0.
        correct: labelled correctly so far, on the device.
    """

    def __init__(self, sizes: Sequence[int], device: torch.device) -> None:
        self._sizes: Final = list(sizes)
        self.losses = torch.zeros(len(self._sizes), device=device)
        self.correct = torch.zeros((), dtype=torch.int64, device=device)
        self.begin(0)

    @property
    def steps(self) -> int:
        """The steps of an epoch."""
        return len(self._sizes)

    def begin(self, position: int) -> None:
        """Start the clock, with this many steps of the epoch done before."""
        self._started, self._first = time.perf_counter(), position

    def clear(self) -> None:
        """Forget the last epoch."""
        self.losses.zero_()
        self.correct.zero_()
        self.begin(0)

    def add(self, position: int, outcome: StepOutcome) -> None:
        """Take in the outcome of step `position` of the epoch, counted from 0."""
        self.losses[position] = outcome.loss
        self.correct += outcome.correct

    def first_bad(self, position: int) -> tuple[int, float] | None:
        """The first of the `position` finished steps whose loss is not finite, counted from 0, and that loss."""
        losses = self.losses[:position].tolist()
        return next(((place, loss) for place, loss in enumerate(losses) if not math.isfinite(loss)), None)

    def mean_loss(self, position: int) -> float:
        """The mean loss over the images of the finished steps."""
        sizes = torch.tensor(self._sizes[:position], dtype=torch.float64)
        return float((self.losses[:position].cpu().double() * sizes).sum() / sizes.sum())

    def accuracy(self, position: int) -> float:
        """The share of the images of the finished steps that were labelled correctly."""
        return int(self.correct) / sum(self._sizes[:position])

    def images_per_second(self, position: int) -> float:
        """The rate of the steps since `begin`; 0 if there are none."""
        return sum(self._sizes[self._first : position]) / max(time.perf_counter() - self._started, 1e-9)

    def content(self) -> tuple[Tensor, int]:
        """Losses and correct answers, for the run's state."""
        return self.losses.cpu(), int(self.correct)

    def restore(self, losses: Tensor, correct: int) -> None:
        """Continue with what `content` returned."""
        self.losses.copy_(losses)
        self.correct.fill_(correct)
