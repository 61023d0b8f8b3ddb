"""When a run's state is written, and how it is had back in the middle of a step."""

import time
from typing import Any, Final, final

from natrob_empirical.training.memory_search import BufferSnapshot
from natrob_empirical.training.run_state import RunState
from natrob_empirical.training.state_file import StateFile
from natrob_empirical.training.streams import TrainingStreams


@final
class StateKeeper:
    """A state file, and the clock that says when it is due.

    Args:
        store: the file.
        description: of the run, a part of its state.
        interval: seconds from one state to the next.
        snapshot: of the model's buffers.
        streams: the run's.
    """

    def __init__(
        self,
        store: StateFile,
        description: dict[str, Any],
        *,
        interval: float,
        snapshot: BufferSnapshot,
        streams: TrainingStreams,
    ) -> None:
        self.store: Final = store
        self.description: Final = description
        self._interval, self._snapshot, self._streams = interval, snapshot, streams
        self._last = time.perf_counter()

    def due(self) -> bool:
        """Whether the interval has passed."""
        return time.perf_counter() - self._last >= self._interval

    def write(self, state: RunState) -> bool:
        """Replace the file; the interval begins anew, also where the disk is full. True if it was written."""
        written = self.store.write(state)
        self._last = time.perf_counter()
        return written

    def before_step(self) -> None:
        """Remember what a pass changes before it can fail: buffers and random streams."""
        self._snapshot.take()
        self._before = self._streams.states()

    def rewind(self) -> None:
        """Back to where `before_step` was called; the weights are the optimiser's, which has not stepped since."""
        self._snapshot.restore()
        self._streams.set_states(self._before)
