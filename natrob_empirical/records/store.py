"""A folder of records: atomic writes, and reads that set a damaged file aside instead of losing it."""

import hashlib
import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from pydantic import ValidationError

from natrob_empirical.attack_names import earlier_labels
from natrob_empirical.files.atomic_file import write_atomically
from natrob_empirical.records.schema import CellKey, CellRecord


@dataclass(frozen=True, kw_only=True)
class UnreadableRecord:
    """A record that could not be read.

    Attributes:
        path: where it was.
        moved_to: where it is now, unchanged.
        reason: what was wrong with it.
    """

    path: Path
    moved_to: Path
    reason: str


@final
class RecordStore:
    """The records of one run, `folder/*.json`, one file per cell.

    A file's name is the cell's key in readable form and a hash of the key and the settings: a changed setting
    is another cell, and an old record never stands for it.

    Args:
        folder: created if it is missing.

    Raises:
        PermissionError, NotADirectoryError: the folder cannot be created or written to; the message names it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.set_aside: list[UnreadableRecord] = []
        require_writable_folder(folder)

    def path_of(self, cell: CellKey, settings: dict[str, Any]) -> Path:
        """The file that holds the record of this cell with these settings, or would hold it."""
        parts = [cell.dataset, cell.model, cell.training, f"seed{cell.seed}"]
        parts += ["theory"] if cell.attack is None else [cell.attack, str(cell.norm), f"eps{cell.epsilon:g}"]
        canonical = json.dumps({"cell": cell.model_dump(mode="json"), "settings": settings}, sort_keys=True)
        digest = hashlib.sha256(canonical.encode()).hexdigest()[:10]
        return self.folder / (re.sub(r"[^A-Za-z0-9._-]+", "_", "-".join(parts)) + f"-{digest}.json")

    def place_of(self, cell: CellKey, settings: dict[str, Any]) -> Path:
        """The file under a label that the attack once had, if it exists; else that of `path_of`."""
        earlier = [cell.model_copy(update={"attack": name}) for name in earlier_labels(cell.attack or "")]
        paths = [self.path_of(key, settings) for key in (cell, *earlier)]
        return next((path for path in paths if path.exists()), paths[0])

    def read(self, cell: CellKey, settings: dict[str, Any]) -> CellRecord | None:
        """The cell's record, or None if there is none. A damaged one is set aside and counts as none."""
        path = self.place_of(cell, settings)
        record = self._load(path) if path.exists() else None
        if record is not None and self.path_of(record.cell, record.settings) != self.path_of(cell, settings):
            self._set_aside(path, reason="it holds the record of another cell")
            return None
        return record

    def read_all(self) -> list[CellRecord]:
        """Every readable record of the folder, in the order of the file names; damaged ones are set aside."""
        loaded = [self._load(path) for path in sorted(self.folder.glob("*.json"))]
        return [record for record in loaded if record is not None]

    def write(self, record: CellRecord) -> Path:
        """Write the record so that a reader sees all of it or nothing."""
        path = self.path_of(record.cell, record.settings)
        write_atomically(path, (record.model_dump_json(indent=1) + "\n").encode("utf-8"))
        return path

    def _load(self, path: Path) -> CellRecord | None:
        try:
            return CellRecord.model_validate_json(path.read_text(encoding="utf-8"))
        except (ValidationError, UnicodeDecodeError, OSError) as error:
            self._set_aside(path, reason=_first_line(error))
            return None

    def _set_aside(self, path: Path, *, reason: str) -> None:
        """Rename a damaged record to `NAME.unreadable`, or `NAME.unreadable.2` …: nothing is overwritten."""
        moved_to = path.with_name(path.name + ".unreadable")
        count = 1
        while moved_to.exists():
            count += 1
            moved_to = path.with_name(f"{path.name}.unreadable.{count}")
        path.rename(moved_to)
        self.set_aside.append(UnreadableRecord(path=path, moved_to=moved_to, reason=reason))


def require_writable_folder(folder: Path) -> None:
    """Create `folder` if needed and prove by a write that files can be made in it, or raise an error that names it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except PermissionError as error:
        raise PermissionError(f"no permission to write in the output folder {folder}; choose another") from error
    except (NotADirectoryError, FileExistsError) as error:
        raise NotADirectoryError(f"the output folder {folder} cannot be created: a file is in the way") from error
    except OSError as error:
        raise OSError(f"the output folder {folder} cannot be used: {error.strerror}") from error


def _first_line(error: Exception) -> str:
    """A validation error in one line: how many problems, and the first."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        return f"{error.error_count()} problem(s), first at {place}: {first['msg']}"
    return str(error)
