"""Every symbolic proof holds, and a false one does not pass."""

import pytest
import sympy

from proofs.catalogue import SymbolicProof, symbolic_proofs
from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require_equal
from proofs.symbolic_checks import check_symbolic


@pytest.mark.parametrize("proof", symbolic_proofs(), ids=lambda proof: proof.path)
def test_proof_holds(proof: SymbolicProof) -> None:
    proof.check()


def _claim_that_fails(check: object) -> SymbolicProof:
    claim = Claim(statement="e^x = 1 + x", assumptions=(), source="nowhere", verdict=Verdict.PROVED)
    return SymbolicProof(path="proofs/symbolic/false.py", title="False", claim=claim, check=check)  # type: ignore[arg-type]


def test_a_false_claim_fails() -> None:
    x = sympy.symbols("x")
    (outcome,) = check_symbolic([_claim_that_fails(lambda: require_equal(sympy.exp(x), 1 + x, "e^x = 1 + x"))])
    assert not outcome.passed
    assert "not identical: e^x = 1 + x" in outcome.line()


def test_a_crash_is_no_proof() -> None:
    def crash() -> None:
        raise ZeroDivisionError("in the proof")

    (outcome,) = check_symbolic([_claim_that_fails(crash)])
    assert outcome.failure == "ZeroDivisionError: in the proof"
    assert outcome.line().startswith("FAILED")
