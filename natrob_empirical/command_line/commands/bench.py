"""`natrob bench`: the cells of a preset, run and kept."""

from typing import Annotated

import typer
from rich.markup import escape

from natrob_empirical.command_line import options
from natrob_empirical.command_line.bench_request import BenchRequest
from natrob_empirical.command_line.console import UNFINISHED, console, errors, errors_in_one_line
from natrob_empirical.command_line.plain_command import DebugOption


def bench(  # noqa: PLR0913, PLR0917 - one parameter an option
    experiment: options.ExperimentArgument = None,
    preset: options.PresetOption = "quick",
    output: options.OutputOption = None,
    models: options.ModelsOption = None,
    data: options.DataOption = None,
    data_root: options.DataRootOption = None,
    device: options.DeviceOption = "cpu",
    workers: options.WorkersOption = None,
    minutes: options.MinutesOption = None,
    dry_run: Annotated[bool, typer.Option(help="Say what would be run, at what cost, and stop.")] = False,
    debug: DebugOption = False,
) -> None:
    """Run the cells of a preset that have no record yet; each finished cell is kept.

    Example: `natrob bench --preset cpu --data-root ~/datasets`, `natrob bench table1 --preset gpu --dry-run`
    """
    asked = BenchRequest(
        command="bench",
        experiment=experiment,
        preset=preset,
        output=output,
        models=models,
        data=data,
        data_root=data_root,
        device=device,
        workers=workers,
        minutes=minutes,
    )
    with errors_in_one_line(on_interrupt=asked.resume_hint):
        if not dry_run:
            asked.import_ahead()
        from natrob_empirical.command_line.bench_command import TimeIsUp, preset_of, print_plan, run_cells

        if dry_run:
            print_plan(asked)
            return
        try:
            store = run_cells(asked)
        except TimeIsUp:
            errors.print(f"[yellow]{escape(asked.resume_hint)}[/yellow]", soft_wrap=True)
            raise typer.Exit(UNFINISHED) from None
        kept = asked.models or asked.folder / "checkpoints"
        console.print(f"all cells of preset {preset_of(asked).name} are in {store.folder}, its models in {kept}")
