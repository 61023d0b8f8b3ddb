"""The work and the output of `natrob claims`."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from rich.console import Console
from rich.text import Text

from natrob_empirical.claims import Entry, Evidence, Ledger, Verdict, all_claims, judge_all
from natrob_empirical.claims.headline import headline, tally
from natrob_empirical.display.formatting import format_kind, format_share
from natrob_empirical.display.text import pieces
from natrob_empirical.evidence.folders import RunsRead, read_folders
from natrob_empirical.evidence.packaged import packaged_proofs, packaged_runs
from natrob_empirical.evidence.proofs import ProofOutcome, by_path, read_proofs
from natrob_empirical.names.near_names import unknown_name
from natrob_empirical.records import Number

_COLOURS: Final = {"good": "green", "bad": "red", "caution": "yellow", "neutral": "dim"}
_INDENT: Final = 5
_MANY: Final = 4


@final
@dataclass(frozen=True, kw_only=True)
class Gathered:
    """Records and proofs, and where they are from.

    Attributes:
        read: the runs, and the files left out.
        proofs: the outcomes.
        origin: how many of each there are, and where they came from.
    """

    read: RunsRead
    proofs: tuple[ProofOutcome, ...]
    origin: str

    def ledger(self) -> Ledger:
        """Judges every claim."""
        return judge_all(Evidence(runs=self.read.runs, proofs=by_path(self.proofs), notes=self.read.notes))


def gather(folders: Sequence[Path], proofs_file: Path | None) -> Gathered:
    """Reads records and proofs; what is not named comes from the package.

    Raises:
        OSError: a folder or the file is not there.
        ValueError: no record can be read, or the file holds something else.
    """
    read = read_folders(folders) if folders else packaged_runs()
    proofs = packaged_proofs() if proofs_file is None else read_proofs(proofs_file)
    records = sum(len(run.records) for run in read.runs)
    named = ", ".join(map(str, folders)) if len(folders) < _MANY else f"{len(folders)} folders"
    origin = f"{records:,} records of {len(read.runs)} runs ({named if folders else 'with natrob'}), "
    origin += f"{len(proofs)} proofs ({proofs_file or 'with natrob'})"
    return Gathered(read=read, proofs=proofs, origin=origin)


def claims_named(only: Iterable[str]) -> list[str]:
    """These identifiers, or all.

    Raises:
        ValueError: there is no such claim; the message has near names.
    """
    known = [claim.id for claim in all_claims()]
    names = [name.upper() for name in only]
    for name in names:
        if name not in known:
            raise unknown_name("claim", name, known)
    return names or known


def to_json(ledger: Ledger, entries: Iterable[Entry]) -> str:
    """These claims with the ledger's notes."""
    content = ledger.to_json() | {"claims": [entry.to_json() for entry in entries]}
    return json.dumps(content, indent=1, ensure_ascii=False)


def print_ledger(ledger: Ledger, console: Console, *, origin: str) -> None:
    """Every claim with its reason, those of one verdict together; then what they come to, notes and origin."""
    counted = tally(ledger)
    for verdict in counted:
        for entry in ledger.entries:
            if entry.judgement.verdict is verdict:
                _print(console, entry.claim.id, Text.assemble(_verdict(verdict), f"  {entry.claim.statement}"))
                _print(console, "", _sentence(entry.judgement.reason))
        console.print()
    counts = [Text.assemble(_verdict(verdict), (f" {count}", "bold")) for verdict, count in counted.items()]
    _print(console, "All", Text(", ").join(counts))
    _print(console, "", _sentence(headline(ledger)))
    for note in ledger.evidence.notes:
        _print(console, "Note", _sentence(note))
    _print(console, "From", Text(origin))


def print_claim(entry: Entry, console: Console) -> None:
    """One claim in full."""
    claim, judged = entry.claim, entry.judgement
    _print(console, claim.id, Text(claim.statement, style="bold"))
    _print(console, "", Text.assemble(_verdict(judged.verdict), "  ", _sentence(judged.reason)))
    rows = [("place", claim.place), ("paper", claim.paper), *(("rule", rule) for rule in claim.rule)]
    rows += [("attacked at most", _number(judged.attacked)), ("certified at least", _number(judged.certified))]
    rows += [("flag", f"{flag.name}, {flag.model}: {flag.reason}") for flag in judged.flags]
    rows += [(source.kind, f"{source.name}: {source.says}") for source in judged.sources]
    for name, text in [*rows, ("again by", claim.replay)]:
        if text:
            _print(console, "", Text.assemble((f"{name}: ", "dim"), _sentence(text)))


def _number(number: Number | None) -> str:
    if number is None:
        return ""
    return f"{format_share(number.value, kind=number.kind)} ({format_kind(number.kind, (number.n,))})"


def _verdict(verdict: Verdict) -> Text:
    return Text(f"{verdict.sign} {verdict.words}", style=_COLOURS[verdict.tone])


def _sentence(text: str) -> Text:
    """The sentence with its measured values in bold."""
    return Text.assemble(*((part, "bold" if value else "") for part, value in pieces(text)))


def _print(console: Console, first: str, text: Text) -> None:
    """A paragraph behind a word, set into the width of a terminal; elsewhere one line."""
    lines = text.wrap(console, console.width - _INDENT) if console.is_terminal else [text]
    for place, line in enumerate(lines):
        start = (first if place == 0 else "").ljust(_INDENT)
        console.print(Text.assemble((start, "bold"), line), soft_wrap=True)
