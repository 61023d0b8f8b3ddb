"""The course of a training run on disk: a line of CSV per epoch, and TensorBoard's curves where they are wanted."""

import csv
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, final

from natrob_empirical.files.atomic_file import write_atomically
from natrob_empirical.training.errors import TrainingWarning
from natrob_empirical.training.progress import EpochSummary

_COLUMNS: Final = tuple(field.name for field in fields(EpochSummary))


@final
@dataclass(frozen=True, kw_only=True)
class LogPaths:
    """The files of a run's log.

    Attributes:
        csv: a file with a line per epoch; its columns are the fields of `EpochSummary`.
        tensorboard: a folder for TensorBoard's event files; needs the package `tensorboard`.
    """

    csv: Path | None = None
    tensorboard: Path | None = None


@final
class TrainingLog:
    """Writes epochs as they finish.

    Args:
        paths: where to.
        finished_epochs: how many lines of an existing file stay: a resumed run repeats the epochs after its state.

    Raises:
        ModuleNotFoundError: TensorBoard's curves are asked for and its package is missing.
    """

    def __init__(self, paths: LogPaths, *, finished_epochs: int) -> None:
        self._csv = paths.csv
        self._rows = _rows_of(paths.csv, finished_epochs)
        self._curves = None if paths.tensorboard is None else _summary_writer(paths.tensorboard, finished_epochs)
        if self._csv is not None:
            self._csv.parent.mkdir(parents=True, exist_ok=True)

    def add(self, summary: EpochSummary) -> None:
        """Log an epoch. A file that cannot be written is a `TrainingWarning`."""
        values = asdict(summary)
        self._rows.append({name: "" if value is None else str(value) for name, value in values.items()})
        if self._csv is not None:
            self._write(self._csv)
        if self._curves is not None:
            with _only_warned_of("TensorBoard's curves"):
                for name in ("loss", "accuracy", "learning_rate", "images_per_second", "evaluations"):
                    if values[name] is not None:
                        self._curves.add_scalar(f"training/{name}", values[name], summary.epoch)

    def close(self) -> None:
        """Flush what is buffered."""
        if self._curves is not None:
            with _only_warned_of("TensorBoard's curves"):
                self._curves.close()

    def _write(self, path: Path) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self._rows)
        with _only_warned_of(f"the log {path}"):
            write_atomically(path, text.getvalue().encode())


@contextmanager
def _only_warned_of(what: str) -> Iterator[None]:
    """A log that cannot be written must not cost the training."""
    try:
        yield
    except OSError as error:
        warnings.warn(f"{what} could not be written: {error}", TrainingWarning, stacklevel=4)


@contextmanager
def training_log(log: LogPaths | Path | None, *, finished_epochs: int) -> Iterator[TrainingLog]:
    """A log that is closed at the end; a path alone means CSV."""
    paths = LogPaths(csv=log) if isinstance(log, Path) else log or LogPaths()
    journal = TrainingLog(paths, finished_epochs=finished_epochs)
    try:
        yield journal
    finally:
        journal.close()


def _rows_of(path: Path | None, finished_epochs: int) -> list[dict[str, str]]:
    if path is None or finished_epochs == 0 or not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if rows and set(rows[0]) != set(_COLUMNS):
        raise ValueError(f"{path} must be a log with the columns {', '.join(_COLUMNS)}, got {', '.join(rows[0])}")
    return [row for row in rows if int(row["epoch"]) <= finished_epochs]


def _summary_writer(folder: Path, finished_epochs: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415  # an optional dependency
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "TensorBoard's curves were asked for, but the package `tensorboard` is missing: "
            "pip install 'natrob[tensorboard]', or leave `tensorboard` out of `log`"
        ) from error
    return SummaryWriter(str(folder), purge_step=finished_epochs + 1)
