"""The claim header of Coq files."""

from pathlib import Path

import pytest

from proofs.catalogue import coq_proofs, read_coq_header, symbolic_proofs
from proofs.claim import Verdict

HEADER = """(** * Growth of something

    Statement.   It grows
                 by at most G.
    Assumptions. any space; h > 0
    Source.      the paper's (10)
    Verdict.     proved for every h
    Theorems.    first, second *)
"""


def _file(folder: Path, text: str) -> Path:
    path = folder / "growth.v"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_header_is_read(tmp_path: Path) -> None:
    proof = read_coq_header(_file(tmp_path, HEADER))
    assert proof is not None
    assert (proof.path, proof.title, proof.theorems) == (
        "proofs/coq/growth.v",
        "Growth of something",
        ("first", "second"),
    )
    assert proof.claim.statement == "It grows by at most G."
    assert proof.claim.assumptions == ("any space", "h > 0")
    assert proof.claim.verdict is Verdict.PROVED_FOR_EVERY_STEP


def test_a_file_without_keys_is_a_library(tmp_path: Path) -> None:
    assert read_coq_header(_file(tmp_path, "(** * Spaces\n\n    What others use. *)\n")) is None


def test_a_header_must_be_complete(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"header of growth\.v must have Source"):
        read_coq_header(_file(tmp_path, HEADER.replace("    Source.      the paper's (10)\n", "")))
    with pytest.raises(ValueError, match="not a valid Verdict"):
        read_coq_header(_file(tmp_path, HEADER.replace("proved for every h", "obvious")))
    with pytest.raises(ValueError, match="must begin with a comment"):
        read_coq_header(_file(tmp_path, "Lemma bare : True."))


def test_both_systems_have_proofs_of_theorem_3_1() -> None:
    assert "proofs/coq/theorem_3_1.v" in {proof.path for proof in coq_proofs()}
    assert "proofs/symbolic/discrete_below_exponential.py" in {proof.path for proof in symbolic_proofs()}


def test_every_claim_has_a_title_of_its_own() -> None:
    titles = [proof.title for proof in (*symbolic_proofs(), *coq_proofs())]
    assert len(set(titles)) == len(titles)
