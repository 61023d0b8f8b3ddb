"""The file of a run's state: written whole or not at all, when it is due, and the one before it kept."""

import io
import time
import warnings
from pathlib import Path
from typing import Any, Final, final

import torch

from natrob_empirical.files.atomic_file import require_writable, write_atomically
from natrob_empirical.training.errors import TrainingStateError, TrainingWarning
from natrob_empirical.training.memory_search import BufferSnapshot
from natrob_empirical.training.run_state import KIND, SCHEMA_VERSION, RunState
from natrob_empirical.training.streams import TrainingStreams


def previous_state(path: Path) -> Path:
    """The file of the state before the one in this file."""
    return path.with_name(path.name + ".previous")


@final
class StateFile:
    """A path, `path.previous` beside it, and for a moment `path.next`.

    Args:
        path: its folder is made with the first state, if need be; that it can be written to is tried at once.

    Raises:
        OSError: it cannot.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.previous = previous_state(path)
        self._next = path.with_name(path.name + ".next")
        require_writable(path.parent)

    def write(self, state: RunState) -> bool:
        """Replace the state, keep the old one as previous; True if it was written.

        A disk that is full, or any other failure to write, is a `TrainingWarning`: the run can go on, and the states
        on disk stay.
        """
        buffer = io.BytesIO()
        torch.save(state.to_content(), buffer)
        content = buffer.getvalue()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._next, content)
            if self.path.exists():
                self.path.replace(self.previous)
            self._next.replace(self.path)
        except OSError as error:
            kept = self.newest()
            warnings.warn(
                f"the state of the run could not be written to {self.path}, {len(content):,} bytes: "
                f"{error.strerror or error}; "
                f"training goes on, {f'{kept} stays' if kept else 'no state is kept'}",
                TrainingWarning,
                stacklevel=2,
            )
            return False
        return True

    def newest(self) -> Path | None:
        """The file that `read` would try first; None if there is none."""
        return next((path for path in (self.path, self.previous) if path.exists()), None)

    def read(self) -> tuple[RunState, Path] | None:
        """The last state and its file; None if there is none.

        A damaged file gives way to the one before it, with a `TrainingWarning`.

        Raises:
            TrainingStateError: no file that is there can be read, or it is of another schema version or no state.
        """
        damage = []
        for path in (self.path, self.previous):
            if not path.exists():
                continue
            try:
                state = _read(path)
            except _DamagedError as error:
                damage.append(f"{path} is damaged ({error})")
                continue
            if path is self.previous:
                reason = "; ".join(damage) or f"{self.path} is missing"
                warnings.warn(f"{reason}: the run goes on from {path}", TrainingWarning, stacklevel=2)
            return state, path
        if damage:
            raise TrainingStateError(f"{'; '.join(damage)}; delete it to start anew")
        return None

    def remove(self) -> None:
        """Delete all that was written; for a run that is done."""
        for path in (self.path, self.previous, self._next):
            path.unlink(missing_ok=True)


class _DamagedError(Exception):
    """The bytes of the file are not what was written."""


def _read(path: Path) -> RunState:
    content = _content_of(path)
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise TrainingStateError(f"{path} is not the state of a training run; give another path")
    if content.get("schema_version") != SCHEMA_VERSION:
        raise TrainingStateError(
            f"{path} is of schema version {content.get('schema_version')}, this natrob reads version {SCHEMA_VERSION}; "
            "finish the run with the version that began it, or delete the file to start anew"
        )
    try:
        return RunState.from_content(content)
    except KeyError as error:
        raise _DamagedError(f"it lacks {error}") from error


def _content_of(path: Path) -> Any:
    content = io.BytesIO(path.read_bytes())
    try:
        return torch.load(content, weights_only=True, map_location="cpu")
    except Exception as error:  # torch raises many kinds for damaged bytes, OSError among them
        raise _DamagedError(" ".join(str(error).split())[:200]) from error


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
