"""The figures that a run shows while it goes on, and at its end."""

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, kw_only=True)
class TrainingProgress:
    """The state after a step: after every one on the CPU, elsewhere only where the results are read anyway.

    Attributes:
        epoch, epochs: counted from 1, and how many there are.
        step, steps: over the whole training, counted from 1.
        loss: of this step's batch.
        accuracy: the share of the epoch's images so far that were labelled correctly, as the method perturbed them.
        images_per_second: over the part of the epoch that this process has done.
        learning_rate: of this step.
        evaluations: field evaluations per image in the last solve (NFE), for a Neural ODE; None for other models.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    accuracy: float
    images_per_second: float
    learning_rate: float
    evaluations: float | None = None


@final
@dataclass(frozen=True, kw_only=True)
class EpochSummary:
    """One finished epoch, a line of the log.

    Attributes:
        epoch: counted from 1.
        step: how many steps are done.
        loss: the mean over the epoch's images.
        accuracy: the share of the epoch's images that were labelled correctly, as the method perturbed them.
        learning_rate: of the last step.
        images_per_second: over the part of the epoch that this process has done.
        seconds: of training so far, interruptions not counted.
        evaluations: as in `TrainingProgress`.
    """

    epoch: int
    step: int
    loss: float
    accuracy: float
    learning_rate: float
    images_per_second: float
    seconds: float
    evaluations: float | None


@final
@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """A finished run.

    Attributes:
        seconds: of training, over all processes that took part; what was lost to an interruption is not counted.
        epochs, steps: how many were done in all.
        resumed_from: the step at which this process took over; 0 for a run in one go.
        loss, accuracy: of the last epoch, on the training images as the method perturbed them.
        images_per_second: of the last epoch.
        evaluations: field evaluations per image in the last solve (NFE), for a Neural ODE.
    """

    seconds: float
    epochs: int
    steps: int
    resumed_from: int
    loss: float
    accuracy: float
    images_per_second: float
    evaluations: float | None
