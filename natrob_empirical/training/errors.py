"""Errors that stop a training run, and its warning."""

from pathlib import Path


class TrainingDivergedError(RuntimeError):
    """The loss or the weights became NaN or infinite; the message names the step and what to change.

    Attributes:
        step: the first step, counted from 1, whose loss is not finite.
        last_good: the file with the run's state before, if one was written.
    """

    def __init__(self, message: str, *, step: int, last_good: Path | None) -> None:
        super().__init__(message)
        self.step = step
        self.last_good = last_good


class TrainingMemoryError(RuntimeError):
    """A step did not fit into memory; the message names a batch that does, and the state that was kept.

    Attributes:
        batch_size: the largest half, quarter, … of the batch that fits; None if not even one image does.
    """

    def __init__(self, message: str, *, batch_size: int | None) -> None:
        super().__init__(message)
        self.batch_size = batch_size


class TrainingStateError(ValueError):
    """A file that does not hold the state of this run; the message says what differs and what to do."""


class TrainingWarning(UserWarning):
    """Something of a run was lost that it can go on without; the message says what and why."""
