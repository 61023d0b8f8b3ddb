"""A process that runs the cells of one model after the other, and tells what it has done over a pipe."""

import pickle
import signal
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeAlias, final

import torch

from natrob_empirical.benchmarks.cell_runner import CellRunner, RunEvent
from natrob_empirical.benchmarks.cells import Cell
from natrob_empirical.benchmarks.presets import Preset
from natrob_empirical.benchmarks.trained_models import TrainedModels
from natrob_empirical.datasets import Dataset
from natrob_empirical.records import RecordStore
from natrob_empirical.training import TrainingProgress


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class WorkerSetup:
    """The facts that a worker is told at its start.

    Attributes:
        preset: whose cells it runs.
        dataset: the images in use.
        records, checkpoints: the folders.
        threads: of its tensor operations.
        workers: how many there are, for the records.
    """

    preset: Preset
    dataset: Dataset
    records: Path
    checkpoints: Path
    threads: int
    workers: int


@final
@dataclass(frozen=True, kw_only=True)
class Progress:
    """A worker's news of a cell: that its record is there, or a step of its model's training.

    Attributes:
        position: of the cell in its group.
        found: whether the record was there already.
        training: the step, if it is one.
    """

    position: int
    found: bool = False
    training: TrainingProgress | None = None


@final
@dataclass(frozen=True, kw_only=True)
class Failed:
    """The error that ended a worker's group, in parts: errors that take other arguments than a message do not pickle.

    Attributes:
        kind: its class.
        arguments: its `args`, of an OSError with the file's name.
        state: its attributes, with the worker's traceback as a note.
    """

    kind: type[Exception]
    arguments: tuple[Any, ...]
    state: dict[str, Any]

    @classmethod
    def by(cls, error: Exception) -> "Failed":
        """The parts of the error; where they cannot be sent, those of a RuntimeError that names it."""
        error.add_note(f"in a worker process:\n{''.join(traceback.format_exception(error))}")
        sent = cls(kind=type(error), arguments=tuple(error.__reduce__()[1]), state=vars(error))
        try:
            pickle.loads(pickle.dumps(sent))
        except Exception:  # a class decides what its pickle raises
            text = f"{type(error).__name__}: {error}"
            return cls(kind=RuntimeError, arguments=(text,), state={"__notes__": error.__notes__})
        return sent

    def error(self) -> Exception:
        """The error again."""
        made = self.kind.__new__(self.kind, *self.arguments)
        vars(made).update(self.state)
        return made


@final
class Finished:
    """All cells of the group are done."""


Message: TypeAlias = Progress | Finished | Failed


def work(pipe: Connection, setup: bytes) -> None:
    """Run the groups of cells that come over the pipe until None comes, or nobody listens any more.

    Ctrl-C is for the process that the user sees. It ends its workers by SIGTERM, at which they leave no unfinished
    file.

    Args:
        pipe: groups come, messages go.
        setup: a pickled `WorkerSetup`; plain bytes, so that tensors need no shared memory.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    try:
        told: WorkerSetup = pickle.loads(setup)
        torch.set_num_threads(told.threads)
        _run_groups(pipe, told)
    except (KeyboardInterrupt, EOFError, BrokenPipeError, ConnectionResetError):
        return


def _stop(_signal: int, _frame: Any) -> None:
    raise KeyboardInterrupt


def _run_groups(pipe: Connection, told: WorkerSetup) -> None:
    runner = CellRunner(
        preset=told.preset,
        store=RecordStore(told.records),
        trained=TrainedModels(told.dataset, told.checkpoints, torch.device("cpu")),
        on_event=lambda _event: None,
        workers=told.workers,
    )
    while (group := pipe.recv()) is not None:
        runner.on_event = _teller(pipe, group)
        try:
            runner.run(group)
        except (BrokenPipeError, ConnectionResetError):
            raise
        except Exception as error:
            pipe.send(Failed.by(error))
        else:
            pipe.send(Finished())


def _teller(pipe: Connection, group: list[Cell]) -> Any:
    """Tells events by the cell's position: a cell's settings are long, and the other side has them."""
    positions = {id(cell): position for position, cell in enumerate(group)}

    def tell(event: RunEvent) -> None:
        pipe.send(Progress(position=positions[id(event.cell)], found=event.found, training=event.training))

    return tell
