"""T3: the paper's (11), the step from (1 + hK)^n to an exponential without h."""

import math

from natrob_empirical.claims.claim import Claim
from natrob_empirical.claims.proof_rules import by_proofs
from natrob_empirical.display.formatting import format_number
from natrob_empirical.display.text import measured

_STEPS, _E = format_number(1.1**10, kind="upper", digits=2), format_number(math.e, kind="lower")

CLAIM = Claim(
    id="T3",
    statement="The factor of n steps is at most an exponential of the total time T, the same for every step size.",
    place="(11)",
    paper="(1 + hK)ⁿ ≤ e^{nhK} = e^{(b − t₀)K}",
    rule=("Proved: computer algebra and Coq prove it, both checked.", "Refuted: they hold a counterexample."),
    judge=by_proofs(
        "proofs/symbolic/discrete_below_exponential.py",
        and_by=("proofs/coq/theorem_3_1.v",),
        reason=f"Ten steps with h = 0.1 and K = 1 give at most {measured(_STEPS)}, the exponential "
        f"at least {measured(_E)}.",
    ),
    replay="make proofs",
)
