"""T2: the paper's (10), a bound on how far a perturbation grows along a residual network."""

from natrob_empirical.claims.claim import Claim, Evidence
from natrob_empirical.claims.proof_rules import by_proofs
from natrob_empirical.display.text import measured


def _reason(evidence: Evidence) -> str:
    checks = [c for run in evidence.runs for m in run.models if m.theory for c in m.theory.bound_checks]
    upper = [check for check in checks if check.kind == "upper"]
    broken, compared = sum(c.violations for c in upper), sum(c.comparisons for c in upper)
    return f"Proved for every h; measured growth exceeded it in {measured(f'{broken:,} of {compared:,}')} comparisons."


CLAIM = Claim(
    id="T2",
    statement="After n steps of size h a perturbation has grown at most by the factor (1 + hK)ⁿ.",
    place="(10)",
    paper="‖eₙ‖ ≤ (1 + hK)ⁿ ‖e₀‖",
    rule=(
        "Proved: the proofs by computer algebra and by Coq are both checked.",
        "Refuted: a proof gives a counterexample.",
    ),
    judge=by_proofs("proofs/symbolic/discrete_bound.py", and_by=("proofs/coq/theorem_3_1.v",), reason=_reason),
    replay="make proofs",
)
