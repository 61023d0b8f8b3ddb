"""Groups of cells run side by side by worker processes, the longest first."""

import pickle
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import wait
from pathlib import Path
from typing import Final, final

from natrob_empirical.benchmarks.cells import Cell
from natrob_empirical.benchmarks.worker import Failed, Message, Progress, WorkerSetup, work
from natrob_empirical.runs.worker_processes import worker_running

PATIENCE: Final = 10.0
"""Seconds that a worker has to end after it was told to."""


class WorkerDiedError(RuntimeError):
    """A worker process ended by itself; the message says how."""


@final
@dataclass(frozen=True, kw_only=True)
class Task:
    """A group of cells that one worker runs.

    Attributes:
        group: its cells.
        checkpoints: the models that it needs. Two tasks that need the same model do not run at once before it is there,
            so that a model is trained once.
        flops: its cost; the sweep's is unknown and infinite, so that it comes first.
    """

    group: list[Cell]
    checkpoints: frozenset[Path]
    flops: float


def run_side_by_side(tasks: Sequence[Task], setup: WorkerSetup, on_progress: Callable[[Cell, Progress], None]) -> None:
    """Run every task; whatever ends it, no worker is left behind.

    Args:
        tasks: in any order.
        setup: of the workers, as many as it says.
        on_progress: called for every message, in this thread; an error that it raises ends the run.

    Raises:
        WorkerDiedError: a process ended without a word.
        Exception: what a cell raised, with the worker's traceback as a note.
    """
    waiting = sorted(tasks, key=lambda task: -task.flops)
    told = pickle.dumps(setup)
    workers = [_Worker(told) for _ in range(min(setup.workers, len(tasks)))]
    try:
        while waiting or any(worker.task for worker in workers):
            for worker in workers:
                if worker.task is None and (task := _next(waiting, [w.task for w in workers if w.task])):
                    waiting.remove(task)
                    worker.begin(task)
            for worker in _with_news([worker for worker in workers if worker.task]):
                worker.listen(on_progress)
        for worker in workers:
            worker.dismiss()
    finally:
        for worker in workers:
            worker.end()


def _next(waiting: Sequence[Task], running: Sequence[Task]) -> Task | None:
    """The first task whose models are there, or needed by no other that runs."""
    in_use = frozenset().union(*(task.checkpoints for task in running))
    return next((task for task in waiting if all(path.exists() for path in task.checkpoints & in_use)), None)


@final
class _Worker:
    """A worker process, as seen from this one."""

    def __init__(self, told: bytes) -> None:
        self.pipe, other = Pipe()
        self.task: Task | None = None
        self.process = worker_running(work, other, told)
        other.close()

    def begin(self, task: Task) -> None:
        self.task = task
        with suppress(BrokenPipeError, ConnectionResetError):  # `listen` tells that it has died
            self.pipe.send(task.group)

    def listen(self, on_progress: Callable[[Cell, Progress], None]) -> None:
        """Take one message. Raises what the worker failed with."""
        assert self.task is not None
        try:
            message: Message = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            raise self._died() from None
        if isinstance(message, Failed):
            raise message.error()
        if isinstance(message, Progress):
            on_progress(self.task.group[message.position], message)
        else:
            self.task = None

    def _died(self) -> WorkerDiedError:
        self.process.join(PATIENCE)
        assert self.task is not None
        how = self.process.exitcode
        killed = "; it was killed, perhaps for want of memory: fewer workers need less" if how == -9 else ""
        return WorkerDiedError(f"a worker process ended with exit code {how} at {self.task.group[0].key.model}{killed}")

    def dismiss(self) -> None:
        """Let it end by itself."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.pipe.send(None)
        self.process.join(PATIENCE)

    def end(self) -> None:
        """End it if it has not ended."""
        if self.process.is_alive():
            self.process.terminate()
            self.process.join(PATIENCE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.pipe.close()


def _with_news(workers: Sequence[_Worker]) -> list[_Worker]:
    """Waits until one of them at least has something to say, or has died."""
    ready = set(map(id, wait([worker.pipe for worker in workers])))
    return [worker for worker in workers if id(worker.pipe) in ready]
