"""`natrob report`: the page made from the records of a preset."""

from typing import Annotated

import typer
from rich.markup import escape

from natrob_empirical.command_line import options
from natrob_empirical.command_line.bench_request import BenchRequest
from natrob_empirical.command_line.console import VIOLATED, console, errors, errors_in_one_line
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
    debug: DebugOption = False,
) -> None:
    """Run what is missing of a preset, then write report.md, report.html and figures.

    Exit code 1, after the pages are written, if the records break a proved inequality.

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
        from natrob_empirical.command_line.bench_command import preset_of, run_cells
        from natrob_empirical.command_line.displays import WorkDisplay
        from natrob_empirical.records import RecordStore
        from natrob_empirical.reporting import write_report

        name = preset_of(asked).name
        store = RecordStore(asked.folder / "records") if records_only else run_cells(asked)
        records = store.read_all()
        if not records:
            raise ValueError(f"there are no records in {store.folder}; run `{asked.again}` first")
        with WorkDisplay("writing the report"):
            files = write_report(
                records, asked.folder, title=f"natrob: {name}", unreadable=store.set_aside, command=asked.again
            )
        for record in store.set_aside:
            message = f"{record.path.name} as {record.moved_to.name}: {record.reason}"
            errors.print(f"[yellow]set aside[/yellow] {escape(message)}")
        console.print(f"{len(records)} records, report: {files.html} and {files.markdown}")
    for alarm in files.alarms:
        errors.print(f"[bold red]ALARM[/bold red] {escape(alarm)}", soft_wrap=True)
    if files.alarms:
        raise typer.Exit(VIOLATED)
