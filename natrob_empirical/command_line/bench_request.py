"""The request made to `natrob bench` or `natrob report`."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import final

from natrob_empirical.runs.worker_processes import import_ahead


@final
@dataclass(frozen=True, kw_only=True)
class BenchRequest:
    """The options that were given."""

    command: str
    experiment: str | None
    preset: str
    output: Path | None
    models: Path | None
    data: str | None
    data_root: Path | None
    device: str
    workers: int | None = None
    minutes: float | None = None

    @property
    def folder(self) -> Path:
        """Where records and pages go."""
        name = self.preset if self.experiment is None else f"{self.experiment}-{self.preset}"
        return self.output or Path("output") / name

    @property
    def again(self) -> str:
        """The command line that does the same again; options at their defaults are left out."""
        parts = ["natrob", self.command, *([self.experiment] if self.experiment else []), "--preset", self.preset]
        parts += ["--output", str(self.folder)]
        for option, value, default in (
            ("--models", self.models, None),
            ("--data", self.data, None),
            ("--data-root", self.data_root, None),
            ("--device", self.device, "cpu"),
            ("--workers", self.workers, None),
        ):
            if value != default:
                parts += [option, str(value)]
        return shlex.join(parts)

    @property
    def resume_hint(self) -> str:
        """The message of an interrupted run."""
        kept = f"finished cells are kept in {self.folder / 'records'}, a training in progress from its last state on"
        return f"interrupted; {kept}; run `{self.again}` to go on"

    def import_ahead(self) -> None:
        """Let worker processes import their work beside this one's own imports, where a run on a CPU begins."""
        if self.device == "cpu" and self.workers != 1 and not (self.folder / "records").exists():
            import_ahead()
