"""`python -m proofs`: check every proof, print one line per claim, end with 1 if any fails."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from proofs.claims_page import PAGE, claims_page
from proofs.coq_build import CoqBuild, coq_version
from proofs.coq_checks import check_coq
from proofs.coq_constants import check_constants
from proofs.kept_builds import KEPT
from proofs.outcome import Outcome
from proofs.outcomes_file import write_outcomes
from proofs.symbolic_checks import check_symbolic


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; the exit status."""
    chosen = _parser().parse_args(arguments)
    if chosen.write_page:
        PAGE.write_text(claims_page(), encoding="utf-8")
        return 0
    outcomes: list[Outcome] = []
    for outcome in _outcomes(chosen.only):
        outcomes.append(outcome)
        print(outcome.line(), flush=True)
    if chosen.json is not None:
        write_outcomes(chosen.json, outcomes, chosen.only)
    failed = sum(not outcome.passed for outcome in outcomes)
    print(f"{len(outcomes) - failed} passed, {failed} failed")
    return 1 if failed else 0


def _outcomes(only: str | None) -> Iterator[Outcome]:
    if only != "coq":
        yield from check_symbolic()
    if only != "symbolic":
        if coq_version() is None:
            yield Outcome(
                path="proofs/coq", subject="all files", failure="no `coqc` on the PATH; run proofs/install_coq"
            )
            return
        with CoqBuild() as build:
            build.keep(KEPT)
            yield from check_coq(build)
            yield from check_constants(build)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m proofs", description="Check the proofs of natrob's bounds.")
    parser.add_argument("--only", choices=["symbolic", "coq"], help="one of the two systems")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcomes there too, as JSON")
    parser.add_argument("--write-page", action="store_true", help="write proofs/README.md anew and check nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
