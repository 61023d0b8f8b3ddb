"""`natrob bench` and `natrob report`: the cells of a preset, and the page made from their records."""

import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, final

import typer
from rich.markup import escape

from natrob_empirical.benchmarks import EXPERIMENTS, PRESETS, Preset, RunEvent, preset_named, run_preset
from natrob_empirical.command_line.console import (
    UNFINISHED,
    VIOLATED,
    RunDisplay,
    console,
    errors,
    errors_in_one_line,
)
from natrob_empirical.command_line.dry_run import print_plan
from natrob_empirical.command_line.options import DataRootOption, DeviceOption, dataset_named, device_named
from natrob_empirical.datasets import Dataset
from natrob_empirical.records import RecordStore
from natrob_empirical.reporting import write_report
from natrob_theory.argument_checks import require_positive

_OF_THEIR_OWN = ", ".join(name for name in PRESETS if "-" not in name)

ExperimentArgument = Annotated[
    str | None,
    typer.Argument(help=f"A figure or table of the paper, one of: {', '.join(EXPERIMENTS)}; by default the overview."),
]
PresetOption = Annotated[
    str, typer.Option(help=f"Of the overview: {_OF_THEIR_OWN}; of a figure or table: smoke, cpu, gpu, paper.")
]
OutputOption = Annotated[Path | None, typer.Option(help="Output folder; by default output/PRESET.")]
ModelsOption = Annotated[
    Path | None,
    typer.Option(help="Folder of trained models; figures that share it train their common models once."),
]
MinutesOption = Annotated[
    float | None,
    typer.Option(help="Stop after so many minutes, with exit code 4 if cells are left; the same command goes on."),
]
DataOption = Annotated[
    str | None, typer.Option(help="A data set's name, or your arrays as file.npz; by default the preset's.")
]


@final
@dataclass(frozen=True, kw_only=True)
class _Request:
    """What was asked for."""

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
        """What an interrupted run says."""
        kept = f"finished cells are kept in {self.folder / 'records'}, a training in progress from its last state on"
        return f"interrupted; {kept}; run `{self.again}` to go on"

    def chosen(self) -> Preset:
        """The preset. Raises ValueError, with near names, if there is none."""
        return preset_named(self.preset, self.experiment)

    def dataset(self) -> Dataset:
        """The preset's data set, or the one asked for."""
        return dataset_named(self.data or self.chosen().dataset, self.data_root)

    def run(self) -> RecordStore:
        """Run the preset with a progress bar."""
        preset, dataset, device = self.chosen(), self.dataset(), device_named(self.device)
        with RunDisplay() as display:
            show = display.show if self.minutes is None else _until(self.minutes, display.show)
            return run_preset(preset, dataset, self.folder, device=device, models=self.models, on_event=show)


class _TimeIsUp(Exception):  # noqa: N818 - nothing went wrong
    """The minutes that were given are over."""


def _until(minutes: float, show: Callable[[RunEvent], None]) -> Callable[[RunEvent], None]:
    """`show`, and _TimeIsUp once so many minutes have passed."""
    end = time.monotonic() + 60.0 * require_positive("--minutes", minutes)

    def watched(event: RunEvent) -> None:
        show(event)
        if time.monotonic() > end and event.done < event.total:
            raise _TimeIsUp

    return watched


def report(
    experiment: ExperimentArgument = None,
    preset: PresetOption = "quick",
    output: OutputOption = None,
    models: ModelsOption = None,
    data: DataOption = None,
    data_root: DataRootOption = None,
    device: DeviceOption = "cpu",
    records_only: Annotated[bool, typer.Option(help="Report the records that are there; run nothing.")] = False,
) -> None:
    """Run what is missing of a preset, then write report.md, report.html and figures.

    Exit code 1, after the pages are written, if the records break a proved inequality.

    Example: `natrob report`, `natrob report table1 --preset smoke`, or on your own images
    `natrob report --data my_images.npz --output output/mine`
    """
    asked = _Request(
        command="report",
        experiment=experiment,
        preset=preset,
        output=output,
        models=models,
        data=data,
        data_root=data_root,
        device=device,
    )
    with errors_in_one_line(on_interrupt=asked.resume_hint):
        name = asked.chosen().name
        store = RecordStore(asked.folder / "records") if records_only else asked.run()
        records = store.read_all()
        if not records:
            raise ValueError(f"there are no records in {store.folder}; run `{asked.again}` first")
        files = write_report(
            records, asked.folder, title=f"natrob: {name}", unreadable=store.set_aside, command=asked.again
        )
        for record in store.set_aside:
            message = f"{record.path.name} as {record.moved_to.name}: {record.reason}"
            errors.print(f"[yellow]set aside[/yellow] {escape(message)}", highlight=False)
        console.print(f"{len(records)} records, report: {files.html} and {files.markdown}", highlight=False)
    for alarm in files.alarms:
        errors.print(f"[bold red]ALARM[/bold red] {escape(alarm)}", highlight=False, soft_wrap=True)
    if files.alarms:
        raise typer.Exit(VIOLATED)


def bench(  # noqa: PLR0913, PLR0917 - one parameter an option
    experiment: ExperimentArgument = None,
    preset: PresetOption = "quick",
    output: OutputOption = None,
    models: ModelsOption = None,
    data: DataOption = None,
    data_root: DataRootOption = None,
    device: DeviceOption = "cpu",
    minutes: MinutesOption = None,
    dry_run: Annotated[bool, typer.Option(help="Say what would be run, at what cost, and stop.")] = False,
) -> None:
    """Run the cells of a preset that have no record yet; each finished cell is kept.

    Example: `natrob bench --preset cpu --data-root ~/datasets`, `natrob bench table1 --preset gpu --dry-run`
    """
    asked = _Request(
        command="bench",
        experiment=experiment,
        preset=preset,
        output=output,
        models=models,
        data=data,
        data_root=data_root,
        device=device,
        minutes=minutes,
    )
    with errors_in_one_line(on_interrupt=asked.resume_hint):
        if dry_run:
            print_plan(asked.chosen(), asked.dataset(), device)
            return
        try:
            store = asked.run()
        except _TimeIsUp:
            errors.print(f"[yellow]{escape(asked.resume_hint)}[/yellow]", highlight=False, soft_wrap=True)
            raise typer.Exit(UNFINISHED) from None
        kept = asked.models or asked.folder / "checkpoints"
        console.print(
            f"all cells of preset {asked.chosen().name} are in {store.folder}, its models in {kept}", highlight=False
        )
