"""The finished batches of an attack in progress, so that an interrupted one goes on where it stopped."""

from pathlib import Path
from typing import final

from pydantic import BaseModel, ConfigDict, ValidationError

from natrob_empirical.files.atomic_file import write_atomically
from natrob_empirical.records import SampleOutcomes


@final
class AttackBatch(BaseModel):
    """The outcomes of one batch.

    Attributes:
        start: the position of its first image.
        samples: per image.
        seconds: wall clock.
        one_at_a_time: as in `AttackResult`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: int
    samples: SampleOutcomes
    seconds: float
    one_at_a_time: bool = False


@final
class AttackBatchStore:
    """A folder with one file per finished batch of one attack; whoever owns it names it after all settings.

    Args:
        folder: made at the first `write`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, start: int, length: int) -> AttackBatch | None:
        """The batch of `length` images from `start`; None if it is not there or damaged, so that it is run again."""
        path = self._path_of(start)
        if not path.exists():
            return None
        try:
            batch = AttackBatch.model_validate_json(path.read_bytes())
        except ValidationError:
            return None
        return batch if batch.start == start and len(batch.samples) == length else None

    def write(self, batch: AttackBatch) -> None:
        """Write the batch so that a reader sees all of it or nothing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self._path_of(batch.start), batch.model_dump_json().encode("utf-8"))

    def clear(self) -> None:
        """Delete the batches: their record has been written. Other files, and then the folder, are left alone."""
        if not self.folder.is_dir():
            return
        for path in self.folder.glob("batch-*.json"):
            path.unlink(missing_ok=True)
        if not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _path_of(self, start: int) -> Path:
        return self.folder / f"batch-{start:08d}.json"
