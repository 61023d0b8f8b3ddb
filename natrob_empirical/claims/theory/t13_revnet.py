"""T13: whether RevNet's coupling is Euler's method."""

from natrob_empirical.claims.claim import Claim
from natrob_empirical.claims.proof_rules import by_proofs
from natrob_empirical.display.text import measured

CLAIM = Claim(
    id="T13",
    statement="RevNet’s coupled layers can be read as Euler’s method on a pair of equations.",
    place="(21), (22)",
    rule=("Refuted: a checked proof holds a pair on which the two differ.", "Proved: it shows that they agree."),
    judge=by_proofs(
        "proofs/symbolic/revnet_is_symplectic_euler.py",
        # determinants 1 and 1 + h² of the two steps on the harmonic oscillator
        reason=f"It is symplectic Euler: on an oscillator at h = 1 it keeps areas, where Euler’s method enlarges them "
        f"{measured(f'{1 + 1**2}')} times.",
    ),
    replay="python -m proofs --only symbolic",
)
