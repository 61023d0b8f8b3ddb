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
    workers: options.WorkersOption = None,
    records_only: Annotated[bool, typer.Option(help="Report the records that are there; run nothing.")] = False,
    records: Annotated[
        list[Path] | None,
        typer.Option(help="Report the records of this folder, or of all folders in it; run nothing. May be repeated."),
    ] = None,
    single_file: Annotated[bool, typer.Option(help="Write one page that needs no other file.")] = False,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="RUN_A RUN_B", help="Show what changed between two folders of records; run nothing."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
    debug: DebugOption = False,
) -> None:
    """Run what is missing of a preset, then write its site: index.html, and all that it leads to.

    Exit code 1, after the site is written, if the records break a proved inequality.

    Example: `natrob report`, `natrob report table1 --preset smoke`, on your own images
    `natrob report --data my_images.npz --output output/mine`, or
    `natrob report --compare output/quick output/mine`
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
        workers=workers,
    )
    with errors_in_one_line(on_interrupt=asked.resume_hint):
        alarms: tuple[str, ...] = ()
        if compare is not None:
            from natrob_empirical.command_line.report_command import compare_folders

            compare_folders(*compare, output, as_json=as_json)
        elif records:
            from natrob_empirical.command_line.report_command import report_folders

            alarms = report_folders(records, output or Path("output/site"), single_file=single_file)
        else:
            if not records_only:
                asked.import_ahead()
            from natrob_empirical.command_line.bench_command import preset_of, run_cells
            from natrob_empirical.files.atomic_file import require_writable
            from natrob_empirical.records import RecordStore

            name = preset_of(asked).name
            require_writable(asked.folder)
            store = RecordStore(asked.folder / "records") if records_only else run_cells(asked)
            from natrob_empirical.command_line.report_command import report_store  # what draws, once all is there

            alarms = report_store(asked, store, name=name, single_file=single_file)
    for alarm in alarms:
        errors.print(f"[bold red]ALARM[/bold red] {escape(alarm)}", soft_wrap=True)
    if alarms:
        raise typer.Exit(VIOLATED)
