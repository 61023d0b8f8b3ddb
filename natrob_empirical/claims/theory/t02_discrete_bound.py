"""T2: the paper's (10), a bound on how far a perturbation grows along a residual network."""

from natrob_empirical.claims.claim import Claim
from natrob_empirical.claims.proof_rules import by_proofs, held_against_growth
from natrob_empirical.display.formatting import format_number
from natrob_empirical.display.text import measured

_GROWTH = measured(format_number(1.1**10, kind="upper", digits=2))

CLAIM = Claim(
    id="T2",
    statement="After n steps of size h a perturbation has grown at most by the factor (1 + hK)ⁿ, where K is "
    "the layers’ Lipschitz constant.",
    place="(10)",
    paper="‖eₙ‖ ≤ (1 + hK)ⁿ ‖e₀‖",
    rule=(
        "Proved: computer algebra and Coq prove it, and both proofs are checked.",
        "Refuted: they hold a counterexample.",
        "No evidence: the growth of a trained residual network exceeds the bound.",
    ),
    judge=held_against_growth(
        by_proofs(
            "proofs/symbolic/discrete_bound.py",
            and_by=("proofs/coq/theorem_3_1.v",),
            reason=f"Proved for every h: at hK = 0.1 ten steps enlarge it at most {_GROWTH} times.",
        ),
        {"euler", "resnet", "resnet50", "preact_resnet18"},
    ),
    replay="make proofs && natrob report fig1 --preset cpu",
)
