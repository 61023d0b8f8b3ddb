"""Folders of records, read without changing them: what cannot be read is named, what does not belong is parted."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from pydantic import ValidationError

from natrob_empirical.display.formatting import clean_text, join_words
from natrob_empirical.evidence.grouping import runs_of
from natrob_empirical.evidence.run import Run
from natrob_empirical.records import SCHEMA_VERSION, CellRecord


@final
@dataclass(frozen=True, kw_only=True)
class UnreadFile:
    """A record that counts for nothing: its name, and what is wrong with it."""

    name: str
    reason: str


@final
@dataclass(frozen=True, kw_only=True)
class RunsRead:
    """The runs found in folders, and the files left out."""

    runs: tuple[Run, ...]
    unread: tuple[UnreadFile, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what was parted and what was left out."""
        return (*parted(self.runs), *(f"Left out: {each.name} ({each.reason})." for each in self.unread))


def read_folders(folders: Iterable[Path]) -> RunsRead:
    """Reads the records of folders, or of their `records` folders.

    Raises:
        NotADirectoryError: one of them is no folder.
        ValueError: none of them holds a record that can be read.
    """
    runs: list[Run] = []
    unread: list[UnreadFile] = []
    for folder in dict.fromkeys(folders):
        if not folder.is_dir():
            raise NotADirectoryError(f"`RECORDS` must be folders, got {folder}")
        inside = folder / "records"
        records, failed = read_records(inside if inside.is_dir() else folder)
        name = folder.resolve().parent.name if folder.name == "records" else folder.resolve().name
        runs += runs_of(records, source=name)
        unread += failed
    if not runs:
        left = f"; left out: {join_words([f'{each.name} ({each.reason})' for each in unread])}" if unread else ""
        raise ValueError(f"`RECORDS` must hold at least one record that can be read, got none{left}")
    return RunsRead(runs=tuple(runs), unread=tuple(unread))


def read_records(folder: Path) -> tuple[list[CellRecord], list[UnreadFile]]:
    """Reads every record of one folder, in the order of the names; says of the others why they were left out."""
    records: list[CellRecord] = []
    unread: list[UnreadFile] = []
    for path in sorted(folder.glob("*.json")):
        try:
            text = path.read_text(encoding="utf-8")
            records.append(CellRecord.model_validate_json(text))
        except (ValidationError, UnicodeDecodeError, OSError) as error:
            unread.append(UnreadFile(name=clean_text(path.name), reason=_why(path, error)))
    return records, unread


def _why(path: Path, error: Exception) -> str:
    """The reason in a few words; a newer schema is called that."""
    try:
        version = json.loads(path.read_text(encoding="utf-8")).get("schema_version")
    except (ValueError, OSError, AttributeError):
        version = None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        return f"schema version {version}, written by a newer natrob; this one reads up to {SCHEMA_VERSION}"
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        return clean_text(f"{error.error_count()} problem(s), first at {place}: {first['msg']}")
    return clean_text(str(error))


def parted(runs: Sequence[Run]) -> tuple[str, ...]:
    """Says what was kept apart: folders, data sets, presets, seeds, and records that newer ones replace."""
    sentences = []
    if len(runs) > 1:
        kinds = {
            "folders": {run.source for run in runs},
            "data sets": {run.dataset for run in runs},
            "presets": {run.preset for run in runs},
            "seeds": {run.seed for run in runs},
        }
        counts = join_words([f"{len(found)} {name}" for name, found in kinds.items() if len(found) > 1])
        sentences.append(f"{len(runs)} runs ({counts or 'of one kind'}), each judged apart and never averaged.")
    replaced = sum(len(run.superseded) for run in runs)
    if replaced:
        sentences.append(f"{replaced} older records of the same cells or models do not count.")
    return tuple(sentences)
