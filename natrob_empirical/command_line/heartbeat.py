"""Signs of life where no terminal shows a bar: a plain line every 30 seconds, whatever runs."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, final

FIRST: Final = 10.0
INTERVAL: Final = 30.0
"""Seconds from the start to the first line, and from each line to the next."""
_LOOK: Final = 1.0
"""Seconds between two looks of the thread at the clock."""


@final
class Heartbeat:
    """Says what is being done, 10 seconds after its start and every 30 from then on.

    The work may call `beat` as often as it likes; beside it a thread does so once a second, for work that calls nothing
    on its way, such as one long operation. Either way a line is said only when it is due.

    Args:
        say: takes one line, without a line break.
        clock: seconds that only grow.
    """

    def __init__(self, say: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._start = clock()
        self._due = self._start + FIRST
        self._describe: Callable[[], str] = lambda: "loading"
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="natrob heartbeat", daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    @contextmanager
    def describing(self, describe: Callable[[], str]) -> Iterator[None]:
        """Inside the block lines are made by `describe`, which is called when a line is due, in any thread."""
        before, self._describe = self._describe, describe
        try:
            yield
        finally:
            self._describe = before

    def beat(self) -> None:
        """Say a line if one is due."""
        now = self._clock()
        if now < self._due:
            return
        with self._lock:
            if now < self._due:
                return
            self._due = now + INTERVAL
            self._say(f"{_elapsed(now - self._start)} {self._describe()}")

    def _run(self) -> None:
        while not self._stopped.wait(_LOOK):
            self.beat()


_HEARTBEAT: ContextVar[Heartbeat | None] = ContextVar("natrob heartbeat", default=None)


def beat() -> None:
    """Let the heartbeat of this command, if it has one, say a line if one is due."""
    heartbeat = _HEARTBEAT.get()
    if heartbeat is not None:
        heartbeat.beat()


@contextmanager
def describing(describe: Callable[[], str]) -> Iterator[None]:
    """Let `describe` make the lines of this command's heartbeat, if it has one."""
    heartbeat = _HEARTBEAT.get()
    if heartbeat is None:
        yield
        return
    with heartbeat.describing(describe):
        yield


@contextmanager
def beating(heartbeat: Heartbeat) -> Iterator[None]:
    """The heartbeat of everything inside the block."""
    token = _HEARTBEAT.set(heartbeat)
    try:
        with heartbeat:
            yield
    finally:
        _HEARTBEAT.reset(token)


def _elapsed(seconds: float) -> str:
    """ "[0:40]", "[2:05:10]"."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"[{hours}:{minutes:02}:{rest:02}]" if hours else f"[{minutes}:{rest:02}]"
