"""Writes the claims page, `proofs/README.md`, from the claims themselves."""

from collections import Counter
from pathlib import PurePosixPath

from proofs.catalogue import FOLDER, CoqProof, Proof, coq_proofs, symbolic_proofs
from proofs.citations import code_by_proof
from proofs.claim import Verdict

PAGE = FOLDER / "README.md"

INTRODUCTION = """\
# Claims and their proofs

Every bound in `natrob_theory` names a proof in its docstring; this page is the other direction. `make proofs` checks
them all and prints one line per claim. It needs Coq 8.16 or newer, which it installs where apt may be used;
`python -m proofs --only symbolic` needs none.

* `symbolic/`: derivations by computer algebra (sympy). Each file has a `CLAIM` and a `check()`, which raises where a
  step is wrong or cannot be decided. Every step is exact: no floating-point number takes part.
* `coq/`: proofs that Coq checks, for arbitrary normed or inner product spaces and arbitrary fields f. They rest on the
  axioms of the standard library's real numbers and nothing else (`coq/axioms.txt`; the check compares the output of
  `Print Assumptions` with it), and Coq's independent checker goes over them once more.
* The constants in the Coq theorems and those that Python computes are evaluated at the same rational points
  (`coq_constants.py`); a change in one breaks the other.

What they do not prove: that the floating-point code computes the formula (the tests do that, and `check_bound` with
`arithmetic="ball"` for an instance), and that a trained network has the constant it is given.

| verdict | claims |
|---|---|
{counts}

This page is written by `python -m proofs --write-page`.
"""

SECTIONS = (
    ("What the paper claims", True),
    ("What the library claims besides", False),
)


def claims_page() -> str:
    """The page in Markdown."""
    proofs: tuple[Proof, ...] = (*symbolic_proofs(), *coq_proofs())
    counts = Counter(proof.claim.verdict for proof in proofs)
    counted = "\n".join(f"| {verdict} | {counts[verdict]} |" for verdict in Verdict)
    code = code_by_proof()
    parts = [INTRODUCTION.format(counts=counted)]
    for title, of_the_paper in SECTIONS:
        own = sorted((proof for proof in proofs if is_the_papers(proof) == of_the_paper), key=_by_place)
        rows = [_row(proof, code.get(proof.path, ())) for proof in own]
        head = "| claim | in plain words | where | verdict | proof | used in |\n|---|---|---|---|---|---|"
        parts.append("\n".join([f"## {title}\n", head, *rows]) + "\n")
    return "\n".join(parts)


def is_the_papers(proof: Proof) -> bool:
    """Whether the statement is the paper's own."""
    return "the paper's" in proof.claim.source


def _by_place(proof: Proof) -> tuple[str, str]:
    """The paper's own places first, in their order."""
    return (proof.claim.source.removeprefix("the paper's ").lstrip("(").replace("Theorem", "0"), proof.title)


def _row(proof: Proof, code: tuple[str, ...]) -> str:
    claim = proof.claim
    words = claim.statement if not claim.assumptions else f"{claim.statement} *Given:* {'; '.join(claim.assumptions)}."
    name = PurePosixPath(proof.path).relative_to("proofs").as_posix()
    theorems = f": {', '.join(f'`{theorem}`' for theorem in proof.theorems)}" if isinstance(proof, CoqProof) else ""
    link = f"[`{name}`]({name}){theorems}"
    users = ", ".join(f"[`{file}`](../{file})" for file in code) or "–"
    cells = (proof.title, words, claim.source, f"**{claim.verdict}**", link, users)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
