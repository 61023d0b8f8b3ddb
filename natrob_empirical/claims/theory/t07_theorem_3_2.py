"""T7: Theorem 3.2, the same bound for the Runge–Kutta solvers of Neural ODEs."""

from fractions import Fraction

from natrob_empirical.claims.claim import Claim
from natrob_empirical.claims.proof_rules import by_proofs
from natrob_empirical.display.formatting import format_number
from natrob_empirical.display.text import measured

WEIGHTS = Fraction(5579, 3392)
"""Σ|bᵢ| of dopri5: over K, the Lipschitz constant of its increment function as h → 0."""
ONE_STEP = Fraction(1631, 600)
"""Growth in one step of dopri5 on y′ = y with h = 1, above e."""

_RATE = format_number(float(WEIGHTS), digits=4, kind="upper")
_GROWTH = format_number(float(ONE_STEP), digits=6, kind="lower")

CLAIM = Claim(
    id="T7",
    statement="The Runge–Kutta solvers of Neural ODEs, too, let a perturbation grow at most by a constant factor, "
    "as steps shrink.",
    place="Theorem 3.2, (14)",
    paper="max over n of ‖zₙ − yₙ‖ ≤ ĉ‖ε‖ as h → 0, ĉ not given",
    rule=(
        "Proved only if ĉ comes from the solver’s increment function: proved with its Lipschitz constant, "
        "refuted with K alone.",
        "Proved: K alone suffices.",
        "Refuted: not even the other constant does.",
    ),
    judge=by_proofs(
        "proofs/symbolic/increment_constant.py",
        and_by=("proofs/coq/runge_kutta.v",),
        fails_without=("proofs/coq/theorem_3_2_refuted.v",),
        reason=f"Only with the solver’s constant, for dopri5 e^{{{measured(_RATE)} KT}} as h → 0: "
        f"at hK = 1 a step grows {measured(_GROWTH)} times, above e.",
    ),
    replay="make proofs",
)
