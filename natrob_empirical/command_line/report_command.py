"""The work of `natrob report`: from records to a site."""

from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape

from natrob_empirical.claims import Evidence, judge_all
from natrob_empirical.command_line.bench_command import preset_of, run_cells
from natrob_empirical.command_line.bench_request import BenchRequest
from natrob_empirical.command_line.console import console, errors
from natrob_empirical.command_line.displays import WorkDisplay
from natrob_empirical.evidence.folders import UnreadFile, parted, read_folders
from natrob_empirical.evidence.grouping import runs_of
from natrob_empirical.evidence.run import Run
from natrob_empirical.files.atomic_file import require_writable
from natrob_empirical.records import RecordStore
from natrob_empirical.reporting import write_site


def report_preset(asked: BenchRequest, *, records_only: bool, single_file: bool) -> tuple[str, ...]:
    """Runs what is missing of the preset unless told otherwise, then writes its site. Returns the alarms.

    Raises:
        ValueError: there is no record.
    """
    name = preset_of(asked).name
    require_writable(asked.folder)
    store = RecordStore(asked.folder / "records") if records_only else run_cells(asked)
    records = store.read_all()
    if not records:
        raise ValueError(f"there are no records in {store.folder}; run `{asked.again}` first")
    for record in store.set_aside:
        message = f"{record.path.name} as {record.moved_to.name}: {record.reason}"
        errors.print(f"[yellow]set aside[/yellow] {escape(message)}")
    unread = [UnreadFile(name=record.path.name, reason=record.reason) for record in store.set_aside]
    return _write(
        runs_of(records), unread, asked.folder, title=f"natrob: {name}", command=asked.again, single_file=single_file
    )


def report_folders(folders: Sequence[Path], output: Path, *, single_file: bool) -> tuple[str, ...]:
    """Writes one site of the records in these folders, or in the folders below them. Returns the alarms.

    Raises:
        OSError: a folder is not there, or the output cannot be written.
        ValueError: no record can be read.
    """
    require_writable(output)
    below = [inside.parent for folder in folders for inside in sorted(folder.glob("*/records"))]
    read = read_folders(below or folders)
    return _write(read.runs, read.unread, output, title="natrob", command="", single_file=single_file)


def _write(
    runs: Sequence[Run],
    unread: Sequence[UnreadFile],
    output: Path,
    *,
    title: str,
    command: str,
    single_file: bool,
) -> tuple[str, ...]:
    with WorkDisplay("writing the site"):
        ledger = judge_all(Evidence(runs=runs, proofs={}, notes=parted(runs)))
        files = write_site(ledger, runs, output, title=title, command=command, unread=unread, single_file=single_file)
    records = sum(len(run.records) for run in runs)
    console.print(f"{records:,} records, site: {files.index}", markup=False, soft_wrap=True)
    return files.alarms
