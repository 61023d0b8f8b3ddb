"""`python -m proofs`: one line per claim, and an exit status that tells."""

from collections.abc import Iterator

import pytest

from proofs import __main__ as command
from proofs.catalogue import symbolic_proofs
from proofs.outcome import Outcome

PASSED = Outcome(path="proofs/symbolic/a.py", subject="proved as stated: A")
FAILED = Outcome(path="proofs/symbolic/b.py", subject="proved as stated: B", failure="not identical")


def test_the_symbolic_proofs_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--only", "symbolic"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(symbolic_proofs()) + 1
    assert lines[-1] == f"{len(symbolic_proofs())} passed, 0 failed"
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
