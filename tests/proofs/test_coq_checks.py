"""Coq accepts the folder's files on the axioms of its reals alone, and what is false, admitted or assumed fails."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from proofs.catalogue import FOLDER
from proofs.coq_build import CoqBuild, statement_names, without_comments
from proofs.coq_checks import AXIOMS, axioms_in, check_coq, unknown_axioms
from proofs.outcome import Outcome

THEOREM_3_1 = FOLDER / "coq" / "theorem_3_1.v"

BELOW_THEOREM_3_1 = ("normed_space.v", "one_step_methods.v")

LIBRARY = "(** * A library *)\nFrom Coq Require Import Reals.\nOpen Scope R_scope.\n"


def _folder(path: Path, files: dict[str, str], *, beside: Sequence[str] = ()) -> Path:
    """A folder with these contents by file name, and copies of the project's own files beside them."""
    for name in beside:
        shutil.copy(FOLDER / "coq" / name, path)
    for name, content in files.items():
        (path / name).write_text(content, encoding="utf-8")
    return path


def _failures(build: CoqBuild) -> dict[str, str]:
    return {outcome.path: outcome.failure for outcome in check_coq(build) if not outcome.passed}


def test_every_file_is_accepted(build: CoqBuild) -> None:
    assert _failures(build) == {}


@pytest.mark.usefixtures("coq")
def test_a_false_theorem_fails_and_so_does_what_rests_on_it(tmp_path: Path) -> None:
    """The constant of (10) made smaller: 1 + hK/2 for 1 + hK."""
    true = THEOREM_3_1.read_text(encoding="utf-8")
    false = true.replace("<= (1 + h * K) ^ n * ‖z ⊖ y‖.", "<= (1 + h * K / 2) ^ n * ‖z ⊖ y‖.")
    assert false != true
    on_it = LIBRARY + "From NatrobProofs Require Import theorem_3_1.\n"
    files = {"theorem_3_1.v": false, "on_theorem_3_1.v": on_it}
    with CoqBuild(_folder(tmp_path, files, beside=BELOW_THEOREM_3_1)) as build:
        failures = _failures(build)
    assert "Error" in failures["proofs/coq/theorem_3_1.v"]
    assert failures["proofs/coq/on_theorem_3_1.v"] == "not tried: theorem_3_1 did not compile"
    assert "proofs/coq/one_step_methods.v" not in failures


@pytest.mark.usefixtures("coq")
@pytest.mark.parametrize(
    ("statement", "axiom"),
    [
        ("Lemma false_claim : forall x, exp x = 1 + x.\nAdmitted.", "false_claim"),
        ("Axiom wish : forall x, exp x = 1 + x.\nLemma false_claim : exp 1 = 1 + 1.\nProof. apply wish. Qed.", "wish"),
        ("Parameter wish : False.\nLemma false_claim : exp 1 = 2.\nProof. destruct wish. Qed.", "wish"),
    ],
)
def test_what_is_assumed_is_found(statement: str, axiom: str, tmp_path: Path) -> None:
    with CoqBuild(_folder(tmp_path, {"assumed.v": LIBRARY + statement})) as build:
        failures = _failures(build)
    assert set(failures) == {"proofs/coq/assumed.v"}
    assert f"rests on: assumed.{axiom} : " in failures["proofs/coq/assumed.v"].replace("NatrobProofs.", "")


@pytest.mark.usefixtures("coq")
def test_an_unchecked_universe_is_found(tmp_path: Path) -> None:
    relaxed = LIBRARY + "Unset Universe Checking.\nLemma unchecked : 1 = 1.\nProof. reflexivity. Qed.\n"
    with CoqBuild(_folder(tmp_path, {"relaxed.v": relaxed})) as build:
        assert "proofs/coq/relaxed.v" in _failures(build)


@pytest.mark.usefixtures("coq")
def test_the_header_names_theorems_of_its_file(tmp_path: Path) -> None:
    renamed = THEOREM_3_1.read_text(encoding="utf-8").replace("Theorem discrete_bound :", "Theorem other_bound :")
    with CoqBuild(_folder(tmp_path, {"theorem_3_1.v": renamed}, beside=BELOW_THEOREM_3_1)) as build:
        assert _failures(build)["proofs/coq/theorem_3_1.v"].startswith("no theorem discrete_bound")


def test_axioms_are_compared_with_their_statements() -> None:
    printed = f"Axioms:\n{AXIOMS.read_text(encoding='utf-8')}"
    assert unknown_axioms(printed) == ""
    assert unknown_axioms("Closed under the global context") == ""
    stronger = printed.replace("{~ ~ P} + {~ P}", "{P} + {~ P}")
    assert unknown_axioms(stronger).startswith("rests on: ClassicalDedekindReals.sig_not_dec")
    assert len(axioms_in(printed)) == 4


def test_comments_nest() -> None:
    assert without_comments("a (* b (* c *) d *) e") == "a  e"


def test_statement_names_leave_comments_out() -> None:
    names = statement_names(THEOREM_3_1)
    assert "discrete_bound" in names
    assert "Theorem_3_1" not in names


def test_lines_say_what_failed() -> None:
    good = Outcome(path="proofs/coq/a.v", subject="proved as stated: A")
    bad = Outcome(path="proofs/coq/a.v", subject="proved as stated: A", failure="first\n  second")
    assert good.passed
    assert not bad.passed
    assert bad.line().endswith("| first second")
