"""How many processes run cells side by side, and with how many threads each."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, final

import torch

from natrob_empirical.benchmarks.plan import PlannedCell
from natrob_theory.numbers.argument_checks import require_count

SMALL_TRAINING: Final = 64 * 2**20
"""Bytes of a training step up to which a second thread costs more than it gains.

On the quick preset, whose steps take up to 26 MiB, two threads took 74 % more processor time for 7 % less waiting.
"""

WORKER_MEMORY: Final = 2**30
"""Bytes that a worker is given at least, torch itself included."""


@final
@dataclass(frozen=True, kw_only=True)
class Crew:
    """Processes and threads of a run.

    Attributes:
        workers: how many processes run cells side by side.
        threads: of each one's tensor operations.
    """

    workers: int
    threads: int


def crew_of(planned: Sequence[PlannedCell], device: torch.device, *, workers: int | None, available: int) -> Crew:
    """Small models run on one thread each, as many side by side as there are cores; large ones one at a time on all.

    The threads of small models depend on the preset alone, so that a run's results have the same bits whatever the
    number of workers. On a GPU cells run one at a time.

    Args:
        planned: the cells that are run.
        device: where.
        workers: how many are wanted, at most as many as memory allows; None for as many as are useful.
        available: bytes of memory.
    """
    threads = torch.get_num_threads()
    wanted = None if workers is None else require_count("workers", workers)
    if device.type != "cpu":
        return Crew(workers=1, threads=threads)
    small = max((cell.memory for cell in planned if cell.cell.attack is None), default=0) <= SMALL_TRAINING
    need = max((cell.memory for cell in planned), default=0)
    if wanted is None:
        wanted = threads if small else 1
    count = max(1, min(wanted, available // (WORKER_MEMORY + need)))
    return Crew(workers=count, threads=1 if small else max(1, threads // count))


@contextmanager
def threads_set(count: int) -> Iterator[None]:
    """Let torch's operations use so many threads within the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
