"""How everything here is timed: contestants take turns, medians of the turns are compared."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table.

    Attributes:
        section: the group of lines it belongs to.
        case: the problem, with its size.
        subject: what of natrob is measured.
        peer: what it is measured against, with version and settings.
        quantity: what `value` is, such as "time / peer's time" or "evaluations".
        value: the measured number.
        target: the number that `value` must not exceed; None where there is no target.
        remark: what a reader must know to judge it; the reason, found by profiling, where the target is missed.
    """

    section: str
    case: str
    subject: str
    peer: str
    quantity: str
    value: float
    target: float | None = None
    remark: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        return None if self.target is None else self.value <= self.target


def interleaved_medians(
    contestants: Mapping[str, Callable[[], object]],
    *,
    repeats: int,
    warmup: int = 2,
    clock: Callable[[], float] | None = None,
) -> dict[str, float]:
    """The median seconds of each contestant over `repeats` turns, A B C, B C A, C A B, … after `warmup` turns each.

    `clock` is `time.perf_counter` if None; `time.process_time` leaves out what other processes take.
    """
    now = time.perf_counter if clock is None else clock
    names = list(contestants)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(warmup + repeats):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            start = now()
            contestants[name]()
            elapsed = now() - start
            if turn >= warmup:
                seconds[name].append(elapsed)
    return {name: statistics.median(values) for name, values in seconds.items()}


def versioned(package: str) -> str:
    """A package's name with its installed version."""
    return f"{package} {version(package)}"
