"""The progress of long work, told to whoever watches; the work neither waits for a watcher nor depends on one.

The engine of the attacks calls `current_watch` at every forward pass. A watcher is set for a block of code, so nothing
in between hands it on: a benchmark, a diagnosis or a transfer attack shows what goes on inside as a plain attack does.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import final


@final
class WorkWatch:
    """The work that is being done now, as it last said.

    Args:
        on_change: called after every change, in the thread of the work.

    Attributes:
        stage: the part of a longer work, such as a check of a diagnosis; empty if nobody said one.
        attack: the attack that runs; empty if none does.
        part: of an attack that has parts, its name and number, as "Targeted APGD, part 2 of 4".
        passes: forward passes of the model since the attack, or else the stage, began.
        images: on how many images the last one was.
    """

    def __init__(self, on_change: Callable[[], None] | None = None) -> None:
        self._on_change = on_change
        self.stage = self.attack = self.part = ""
        self.passes = self.images = 0

    def begin_stage(self, name: str) -> None:
        """Another part of the work begins; no attack runs yet."""
        self.stage, self.attack, self.part, self.passes, self.images = name, "", "", 0, 0
        self._changed()

    def begin_attack(self, name: str) -> None:
        """An attack begins on a batch."""
        self.attack, self.part, self.passes, self.images = name, "", 0, 0
        self._changed()

    def begin_part(self, name: str, number: int, of: int) -> None:
        """A part of the attack begins; numbers count from 1."""
        self.part = f"{name}, part {number} of {of}"
        self._changed()

    def forward_pass(self, images: int) -> None:
        """The model is asked about so many images."""
        self.passes += 1
        self.images = images
        self._changed()

    def describe(self) -> str:
        """One line, such as "AutoAttack: FAB, part 3 of 4, pass 1,240 on 231 images"; empty where nothing was said."""
        attack = ": ".join(part for part in (self.attack, self.part) if part)
        passes = f"pass {self.passes:,} on {self.images:,} image{'' if self.images == 1 else 's'}"
        return ", ".join(part for part in (self.stage, attack, passes if self.passes else "") if part)

    def _changed(self) -> None:
        if self._on_change is not None:
            self._on_change()


_WATCH: ContextVar[WorkWatch | None] = ContextVar("natrob work watch", default=None)


def current_watch() -> WorkWatch | None:
    """Who watches, or None."""
    return _WATCH.get()


@contextmanager
def watched_by(watch: WorkWatch) -> Iterator[None]:
    """Tell `watch` what the work inside the block is at, in place of whoever watched before."""
    token = _WATCH.set(watch)
    try:
        yield
    finally:
        _WATCH.reset(token)
