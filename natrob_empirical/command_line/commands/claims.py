"""`natrob claims`: what became of every claim of the paper, and of natrob's own."""

from pathlib import Path
from typing import Annotated

import typer

from natrob_empirical.command_line.console import console, errors_in_one_line
from natrob_empirical.command_line.plain_command import DebugOption


def claims(
    records: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="RECORDS",
            help="Folders of records, such as output/quick; by default the records that come with natrob.",
        ),
    ] = None,
    proofs: Annotated[
        Path | None,
        typer.Option(help="What `python -m proofs --json FILE` wrote; by default the outcomes that come with natrob."),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="A claim such as T6, in full; several with the option again.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: every claim in full, and the notes.")] = False,
    write: Annotated[
        Path | None, typer.Option(help="Write records and proofs into one FILE.json, as the package holds them.")
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Judge every claim of the paper and of natrob by records and proofs, and by nothing else.

    T1 to T16 are the paper's claims about theory, E1 to E12 those about experiments, N1 and on natrob's own. Runs are
    judged apart: folders, presets, data sets and seeds are never averaged. Records are read, never changed.

    Example: `natrob claims`, `natrob claims --only T6`, or with what you measured yourself
    `natrob claims output/quick --json`
    """
    with errors_in_one_line():
        from natrob_empirical.command_line.claims_command import (
            claims_named,
            gather,
            print_claim,
            print_ledger,
            to_json,
        )
        from natrob_empirical.evidence.packaged import packed
        from natrob_empirical.files.atomic_file import write_atomically

        names = claims_named(only or [])
        found = gather(records or [], proofs)
        if write is not None:
            write_atomically(write, packed(found.read, found.proofs).encode("utf-8"))
            console.print(f"wrote {write}: {found.origin}", markup=False, soft_wrap=True)
            return
        ledger = found.ledger()
        chosen = [ledger[name] for name in names]
        if as_json:
            typer.echo(to_json(ledger, chosen))
        elif only:
            for entry in chosen:
                print_claim(entry, console)
        else:
            print_ledger(ledger, console, origin=found.origin)
