"""The outcomes of a check as JSON: one entry per proof file, in the order of the paths, without dates or places."""

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from proofs.catalogue import CoqProof, Proof, coq_proofs, symbolic_proofs
from proofs.coq_build import coq_version
from proofs.outcome import Outcome

ALL_COQ_FILES = "proofs/coq"
"""The path of an outcome that speaks of all Coq files at once: what it says against them counts against each."""


def write_outcomes(file: Path, outcomes: Sequence[Outcome], only: str | None) -> None:
    """Writes `file` and its folder.

    Args:
        file: where.
        outcomes: of the systems that were checked.
        only: "symbolic" or "coq" where the other system was not checked; its proofs and tool are then left out.
    """
    proofs: list[Proof] = []
    tools: dict[str, str | None] = {}
    if only != "coq":
        proofs += symbolic_proofs()
        tools["sympy"] = version("sympy")
    if only != "symbolic":
        proofs += coq_proofs()
        tools["coq"] = coq_version()
    entries = [_entry(proof, outcomes) for proof in sorted(proofs, key=lambda proof: proof.path)]
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"tools": tools, "proofs": entries}, indent=1, ensure_ascii=False)
    file.write_text(text + "\n", encoding="utf-8")


def _entry(proof: Proof, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The claim and its outcome; a proof that nothing was heard of has failed."""
    coq = isinstance(proof, CoqProof)
    own = [each for each in outcomes if each.path == proof.path]
    shared = [each for each in outcomes if coq and each.path == ALL_COQ_FILES]
    failures = [each.failure for each in (*own, *shared) if not each.passed]
    failures += [] if own or failures else ["not checked"]
    return {
        "path": proof.path,
        "title": proof.title,
        "system": "coq" if coq else "sympy",
        "verdict": proof.claim.verdict.value,
        "statement": proof.claim.statement,
        "source": proof.claim.source,
        "passed": not failures,
        "failure": "; ".join(" ".join(failure.split()) for failure in failures),
    }
