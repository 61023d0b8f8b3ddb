"""Checks the Coq proofs: that Coq accepts every file, and on which axioms the theorems of each rest.

`coq/axioms.txt` has the only axioms allowed, word for word as `Print Assumptions` prints them: those of the standard
library's real numbers. An `Admitted` lemma, an `Axiom` or a `Parameter` would be printed beside them.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from proofs.catalogue import FOLDER, CoqProof, read_coq_header
from proofs.coq_build import LOGICAL_NAME, CoqBuild, statement_names
from proofs.outcome import Outcome

AXIOMS = FOLDER / "coq" / "axioms.txt"


def check_coq(build: CoqBuild) -> Iterator[Outcome]:
    """The outcome of every file of a build, libraries included."""
    files = sorted(file for file in build.folder.glob("*.v") if file.name != build.QUESTIONS)
    compiled = [file for file in files if file.stem not in build.errors]
    required = " ".join(file.stem for file in compiled)
    questions = {file.stem: _assumptions_question(file) for file in compiled}
    printed = build.answers(f"From {LOGICAL_NAME} Require {required}.", questions)
    for file in files:
        proof = read_coq_header(file)
        failure = build.errors.get(file.stem, "") or _wrong_names(file, proof) or unknown_axioms(printed[file.stem])
        subject = "library" if proof is None else f"{proof.claim.verdict}: {proof.title}"
        yield Outcome(path=f"proofs/coq/{file.name}", subject=subject, failure=failure)
    yield Outcome(
        path="proofs/coq", subject="all files, by Coq's independent checker", failure=build.independent_check(compiled)
    )


def _assumptions_question(file: Path) -> str:
    """One command for all statements of a file: what any of them assumes."""
    names = [f"@{file.stem}.{name}" for name in statement_names(file)]
    return f"Definition statements_of_{file.stem} := (tt, {', '.join(names)}).\n" + (
        f"Print Assumptions statements_of_{file.stem}."
    )


def _wrong_names(file: Path, proof: CoqProof | None) -> str:
    """The theorems of the header that the file does not have."""
    absent = [] if proof is None else [name for name in proof.theorems if name not in statement_names(file)]
    return f"no theorem {', '.join(absent)} in the file" if absent else ""


def unknown_axioms(printed: str) -> str:
    """The axioms in the output of `Print Assumptions` that are not in `axioms.txt`; empty if there is none."""
    allowed = axioms_in(AXIOMS.read_text(encoding="utf-8"))
    unknown = [axiom for axiom in axioms_in(printed) if axiom not in allowed]
    return f"rests on: {'; '.join(unknown)}" if unknown else ""


def axioms_in(printed: str) -> tuple[str, ...]:
    """Each axiom of an output of `Print Assumptions` on one line. Every line that starts in column 0 begins one."""
    entries = re.split(r"\n(?=\S)", printed.strip())
    lines = (" ".join(entry.split()) for entry in entries)
    return tuple(line for line in lines if line not in ("Axioms:", "Closed under the global context", ""))
