"""The outcomes as JSON: every proof once with its claim, and a failure counts against what it speaks of."""

import json
from pathlib import Path
from typing import Any

import pytest

from proofs import __main__ as command
from proofs import outcomes_file
from proofs.catalogue import CoqProof, Proof, coq_proofs, symbolic_proofs
from proofs.outcome import Outcome
from proofs.outcomes_file import ALL_COQ_FILES, write_outcomes

PUBLISHED = Path(__file__).parents[2] / "reports" / "proofs.json"
CLAIMED = ("path", "title", "system", "verdict", "statement", "source")


def claimed(proof: Proof) -> dict[str, str]:
    claim, system = proof.claim, "coq" if isinstance(proof, CoqProof) else "sympy"
    return dict(
        zip(CLAIMED, (proof.path, proof.title, system, claim.verdict, claim.statement, claim.source), strict=True)
    )


def passed_everywhere() -> list[Outcome]:
    return [Outcome(path=proof.path, subject="a claim") for proof in (*symbolic_proofs(), *coq_proofs())]


def written(file: Path, outcomes: list[Outcome], only: str | None = None) -> dict[str, dict[str, Any]]:
    write_outcomes(file, outcomes, only)
    return {entry["path"]: entry for entry in json.loads(file.read_text(encoding="utf-8"))["proofs"]}


def test_the_published_outcomes_are_of_the_proofs_that_there_are_and_all_passed() -> None:
    """Red after a proof came, went or changed its claim: publish `python -m proofs --json reports/proofs.json`."""
    published = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    own = sorted((claimed(proof) for proof in (*symbolic_proofs(), *coq_proofs())), key=lambda entry: entry["path"])
    assert [{key: entry[key] for key in CLAIMED} for entry in published["proofs"]] == own
    assert all(entry["passed"] and not entry["failure"] for entry in published["proofs"])
    assert all(published["tools"][tool] for tool in ("sympy", "coq"))


def test_the_order_of_the_outcomes_does_not_matter(tmp_path: Path) -> None:
    first, second = tmp_path / "new" / "first.json", tmp_path / "second.json"
    write_outcomes(first, passed_everywhere(), None)
    write_outcomes(second, passed_everywhere()[::-1], None)
    assert first.read_bytes() == second.read_bytes()


def test_one_failure_of_a_file_with_several_outcomes_is_enough(tmp_path: Path) -> None:
    path = "proofs/coq/theorem_3_1.v"
    entries = written(tmp_path / "f.json", [*passed_everywhere(), Outcome(path=path, subject="s", failure="no\n tie")])
    assert [entry["path"] for entry in entries.values() if not entry["passed"]] == [path]
    assert entries[path]["failure"] == "no tie"


def test_what_the_checker_says_of_all_coq_files_counts_against_each(tmp_path: Path) -> None:
    refused = Outcome(path=ALL_COQ_FILES, subject="all files", failure="not fully checked")
    entries = written(tmp_path / "f.json", [*passed_everywhere(), refused])
    assert {entry["system"] for entry in entries.values() if not entry["passed"]} == {"coq"}
    assert all(entry["passed"] == (entry["system"] == "sympy") for entry in entries.values())


def test_a_proof_without_an_outcome_has_not_passed(tmp_path: Path) -> None:
    gone, *rest = passed_everywhere()
    entry = written(tmp_path / "f.json", rest)[gone.path]
    assert (entry["passed"], entry["failure"]) == (False, "not checked")


def test_a_system_that_was_not_asked_is_left_out(tmp_path: Path) -> None:
    entries = written(tmp_path / "f.json", passed_everywhere(), only="symbolic")
    assert set(entries) == {proof.path for proof in symbolic_proofs()}
    assert "coq" not in json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))["tools"]


def test_the_command_writes_them_beside_its_lines(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "coq_version", lambda: None)
    monkeypatch.setattr(outcomes_file, "coq_version", lambda: None)
    assert command.main(["--only", "coq", "--json", str(tmp_path / "f.json")]) == 1
    assert "0 passed, 1 failed" in capsys.readouterr().out
    found = json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))
    assert found["tools"] == {"coq": None}
    assert {entry["failure"] for entry in found["proofs"]} == {"no `coqc` on the PATH; run proofs/install_coq"}
