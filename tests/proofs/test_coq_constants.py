"""Coq's constants and the code's are tied: a change in one of the two is found."""

import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from natrob_theory import TABLEAUS
from proofs.catalogue import FOLDER
from proofs.coq_build import CoqBuild
from proofs.coq_constants import (
    TABLEAUS_IN_COQ,
    Tie,
    all_ties,
    check_constants,
    coq_rational,
    rationals_from,
)


def _ties(file: str) -> list[Tie]:
    return [tie for tie in all_ties() if tie.file == file]


def test_both_sides_agree(build: CoqBuild) -> None:
    outcomes = tuple(check_constants(build))
    assert [outcome.line() for outcome in outcomes if not outcome.passed] == []
    assert {outcome.path for outcome in outcomes} == {
        f"proofs/coq/{name}.v"
        for name in (
            "backward_euler",
            "euler_one_sided",
            "fractalnet",
            "local_error",
            "polynet",
            "revnet",
            "tableaus",
            "theorem_3_1",
        )
    }


def test_every_tableau_is_tied() -> None:
    assert set(TABLEAUS_IN_COQ.values()) == set(TABLEAUS)


@pytest.mark.usefixtures("coq")
def test_another_coefficient_in_coq_is_found(tmp_path: Path) -> None:
    """Heun's weights 1/3 and 2/3 meet every condition that the Coq file checks, but they are not the code's."""
    for name in ("normed_space.v", "butcher_tableau.v"):
        shutil.copy(FOLDER / "coq" / name, tmp_path)
    true = (FOLDER / "coq" / "tableaus.v").read_text(encoding="utf-8")
    false = true.replace("[1 # 2; 1 # 2]", "[1 # 3; 2 # 3]")
    assert false != true
    (tmp_path / "tableaus.v").write_text(false, encoding="utf-8")
    ties = [tie for tie in _ties("tableaus") if "heun" in tie.expression]
    with CoqBuild(tmp_path) as build:
        assert build.errors == {}
        (outcome,) = check_constants(build, ties)
    assert "Python has another value for (weights heun" in outcome.failure


def test_another_constant_in_python_is_found(build: CoqBuild) -> None:
    """As if Python computed the growth for x where Coq does for x + 1."""
    off = [replace(tie, expression=tie.expression.replace("_Q (", "_Q (1 + ")) for tie in _ties("theorem_3_1")]
    (outcome,) = check_constants(build, off)
    assert "Python has another value" in outcome.failure


def test_a_bracket_of_half_the_stage_errors_is_found(build: CoqBuild) -> None:
    halved = [replace(tie, expression=tie.expression.replace(" (1 # 1)]", " (1 # 2)]")) for tie in _ties("local_error")]
    (outcome,) = check_constants(build, halved)
    assert "Python has another value for [bracket_Q heun (1 # 2)]" in outcome.failure


def test_a_name_that_is_gone_is_found(build: CoqBuild) -> None:
    (outcome,) = check_constants(build, [Tie(file="theorem_3_1", expression="[gone]", agrees=lambda found: True)])
    assert "gone was not found" in outcome.failure


def test_answers_are_read() -> None:
    assert rationals_from("= [3; 7; -1; 2]%Z\n     : list Z") == (Fraction(3, 7), Fraction(-1, 2))
    with pytest.raises(ValueError, match="numerators and denominators"):
        rationals_from("= [3]%Z : list Z")
    assert coq_rational(Fraction(-3, 4)) == "(-3 # 4)"
