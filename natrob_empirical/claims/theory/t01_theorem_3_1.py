"""T1: Theorem 3.1, a bound on the growth of a perturbation along a residual network with small steps."""

import math

from natrob_empirical.claims.claim import Claim
from natrob_empirical.claims.proof_rules import by_proofs
from natrob_empirical.display.formatting import format_number
from natrob_empirical.display.text import measured

_E = format_number(math.e, kind="upper")

CLAIM = Claim(
    id="T1",
    statement="As the step size of a residual network shrinks, a perturbation grows at most by a constant factor.",
    place="Theorem 3.1, (5)",
    paper="max over n of ‖zₙ − yₙ‖ ≤ c‖ε‖ as h → 0",
    rule=(
        "Proved: Coq and computer algebra prove it, and both proofs are checked.",
        "Refuted: they hold a counterexample.",
    ),
    judge=by_proofs(
        "proofs/coq/theorem_3_1.v",
        and_by=("proofs/symbolic/discrete_bound.py", "proofs/symbolic/discrete_below_exponential.py"),
        reason=f"Proved for every h, not only for small ones; with Lipschitz constant and total time 1 the factor is "
        f"at most {measured(_E)}.",
    ),
    replay="make proofs",
)
