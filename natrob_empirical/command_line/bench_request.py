"""The request made to `natrob bench` or `natrob report`."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, final

import typer

from natrob_empirical.command_line.known_names import EXPERIMENT_PRESETS, EXPERIMENTS, OVERVIEW_PRESETS
from natrob_empirical.command_line.plain_command import number_option

ExperimentArgument = Annotated[
    str | None,
    typer.Argument(help=f"A figure or table of the paper, one of: {', '.join(EXPERIMENTS)}; by default the overview."),
]
PresetOption = Annotated[
    str,
    typer.Option(
        help=f"Of the overview: {', '.join(OVERVIEW_PRESETS)}; of a figure or table: {', '.join(EXPERIMENT_PRESETS)}."
    ),
]
OutputOption = Annotated[Path | None, typer.Option(help="Output folder; by default output/PRESET.")]
ModelsOption = Annotated[
    Path | None,
    typer.Option(help="Folder of trained models; figures that share it train their common models once."),
]
MinutesOption = Annotated[
    float | None,
    number_option("Stop after so many minutes, with exit code 4 if cells are left; the same command goes on."),
]
DataOption = Annotated[
    str | None, typer.Option(help="A data set's name, or your arrays as file.npz; by default the preset's.")
]


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
        ):
            if value != default:
                parts += [option, str(value)]
        return shlex.join(parts)

    @property
    def resume_hint(self) -> str:
        """The message of an interrupted run."""
        kept = f"finished cells are kept in {self.folder / 'records'}, a training in progress from its last state on"
        return f"interrupted; {kept}; run `{self.again}` to go on"
