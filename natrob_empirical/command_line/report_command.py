"""The work of `natrob report`: from records to a site."""

import json
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.markup import escape
from rich.table import Table

from natrob_empirical.claims import Evidence, Ledger, judge_all
from natrob_empirical.command_line.bench_request import BenchRequest
from natrob_empirical.command_line.console import console, errors
from natrob_empirical.command_line.heartbeat import describing
from natrob_empirical.evidence.folders import UnreadFile, parted, read_folders
from natrob_empirical.evidence.grouping import runs_of
from natrob_empirical.evidence.packaged import packaged_proofs
from natrob_empirical.evidence.proofs import by_path
from natrob_empirical.evidence.run import Run
from natrob_empirical.files.atomic_file import require_writable
from natrob_empirical.records import RecordStore
from natrob_empirical.reporting import comparison_page, write_page, write_site
from natrob_empirical.reporting.table_files import json_of


def report_store(asked: BenchRequest, store: RecordStore, *, name: str, single_file: bool) -> tuple[str, ...]:
    """Writes the site of one run's records. Returns the alarms.

    Args:
        asked: the request that they answer.
        store: of the records.
        name: of the preset.
        single_file: whether to write one page that needs no other file.

    Raises:
        ValueError: there is no record.
    """
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


def compare_folders(first: Path, second: Path, output: Path | None, *, as_json: bool) -> None:
    """Shows what changed from one folder of records to the other, on the terminal and, if asked, as pages.

    Raises:
        OSError: a folder is not there, or the output cannot be written.
        ValueError: no record can be read.
    """
    judged = [(str(folder), _judged(read_folders([folder]).runs)) for folder in (first, second)]
    page = comparison_page(*judged)
    if as_json:
        typer.echo(json.dumps({each.name: json.loads(json_of(each)) for each in page.tables}, ensure_ascii=False))
    else:
        for each in page.tables:
            shown = Table(*(column.heading for column in each.columns), title=each.caption)
            for row in each.rows:
                shown.add_row(*(escape(cell.text) for cell in row))
            console.print(shown)
        console.print(" ".join(page.lead), markup=False)
    if output is not None:
        html, markdown = write_page(page, output, "compare")
        errors.print(f"wrote {html} and {markdown}", markup=False, soft_wrap=True)


def _judged(runs: Sequence[Run]) -> Ledger:
    return judge_all(Evidence(runs=runs, proofs=by_path(packaged_proofs()), notes=parted(runs)))


def _write(
    runs: Sequence[Run],
    unread: Sequence[UnreadFile],
    output: Path,
    *,
    title: str,
    command: str,
    single_file: bool,
) -> tuple[str, ...]:
    with describing(lambda: "writing the site"), errors.status("writing the site"):
        files = write_site(
            _judged(runs), runs, output, title=title, command=command, unread=unread, single_file=single_file
        )
    records = sum(len(run.records) for run in runs)
    console.print(f"{records:,} records, site: {files.index}", markup=False, soft_wrap=True)
    return files.alarms
