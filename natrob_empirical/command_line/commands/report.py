"""`natrob report`: the site made from the records of a preset, or of folders."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from natrob_empirical.command_line import options
from natrob_empirical.command_line.bench_request import BenchRequest
from natrob_empirical.command_line.console import VIOLATED, errors, errors_in_one_line
from natrob_empirical.command_line.plain_command import DebugOption


def report(  # noqa: PLR0913, PLR0917 - one parameter an option
    experiment: options.ExperimentArgument = None,
    preset: options.PresetOption = "quick",
    output: options.OutputOption = None,
    models: options.ModelsOption = None,
    data: options.DataOption = None,
    data_root: options.DataRootOption = None,
    device: options.DeviceOption = "cpu",
    records_only: Annotated[bool, typer.Option(help="Report the records that are there; run nothing.")] = False,
    records: Annotated[
        list[Path] | None,
        typer.Option(help="Report the records of this folder, or of all folders in it; run nothing. May be repeated."),
    ] = None,
    single_file: Annotated[bool, typer.Option(help="Write one page that needs no other file.")] = False,
    debug: DebugOption = False,
) -> None:
    """Run what is missing of a preset, then write its site: index.html, and all that it leads to.

    Exit code 1, after the site is written, if the records break a proved inequality.

    Example: `natrob report`, `natrob report table1 --preset smoke`, or on your own images
    `natrob report --data my_images.npz --output output/mine`
    """
    asked = BenchRequest(
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
        from natrob_empirical.command_line.report_command import report_folders, report_preset

        if records:
            alarms = report_folders(records, output or Path("output/site"), single_file=single_file)
        else:
            alarms = report_preset(asked, records_only=records_only, single_file=single_file)
    for alarm in alarms:
        errors.print(f"[bold red]ALARM[/bold red] {escape(alarm)}", soft_wrap=True)
    if alarms:
        raise typer.Exit(VIOLATED)
