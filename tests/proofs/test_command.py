"""`python -m proofs`: one line per claim, and an exit status that tells."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest

from proofs import __main__ as command
from proofs import symbolic_checks
from proofs.catalogue import symbolic_proofs
from proofs.outcome import Outcome

PASSED = Outcome(path="proofs/symbolic/a.py", subject="proved as stated: A")
FAILED = Outcome(path="proofs/symbolic/b.py", subject="proved as stated: B", failure="not identical")


def test_every_symbolic_proof_is_checked_and_has_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The proofs themselves run in test_symbolic_checks.py."""
    checked: list[str] = []
    quick = [replace(proof, check=partial(checked.append, proof.path)) for proof in symbolic_proofs()]
    monkeypatch.setattr(symbolic_checks, "symbolic_proofs", lambda: quick)
    assert command.main(["--only", "symbolic"]) == 0
    assert checked == [proof.path for proof in symbolic_proofs()]
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(checked) + 1
    assert lines[-1] == f"{len(checked)} passed, 0 failed"
    assert all(line.startswith("ok ") for line in lines[:-1])


def test_one_failure_is_enough(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def outcomes() -> Iterator[Outcome]:
        yield PASSED
        yield FAILED

    monkeypatch.setattr(command, "check_symbolic", outcomes)
    assert command.main(["--only", "symbolic"]) == 1
    printed = capsys.readouterr().out
    assert "FAILED proofs/symbolic/b.py" in printed
    assert "1 passed, 1 failed" in printed


def test_a_missing_coq_is_a_failure_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "coq_version", lambda: None)
    assert command.main(["--only", "coq"]) == 1
    assert "no `coqc` on the PATH; run proofs/install_coq" in capsys.readouterr().out


def test_an_unknown_system_is_refused() -> None:
    with pytest.raises(SystemExit, match="2"):
        command.main(["--only", "lean"])
