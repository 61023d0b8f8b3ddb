"""T14: whether the constants of the bounds depend on h."""

from fractions import Fraction

from natrob_empirical.claims.claim import Claim
from natrob_empirical.claims.proof_rules import by_proofs
from natrob_empirical.display.text import measured

_WHOLE, _HALVED = (measured(f"{float((1 + Fraction(1, steps)) ** steps):g}") for steps in (1, 2))

CLAIM = Claim(
    id="T14",
    statement="The constants of the bounds depend on the Lipschitz constant K and not on the step size h.",
    place="5",
    rule=(
        "Refuted: a checked proof holds equal K and T whose smallest constants differ with h.",
        "Proved: it shows that none differ.",
    ),
    judge=by_proofs(
        "proofs/symbolic/bound_depends_on_step_size.py",
        reason=f"With Lipschitz constant and time 1 the smallest constant is {_WHOLE} at h = 1 "
        f"and {_HALVED} at h = 1/2.",
    ),
    replay="python -m proofs --only symbolic",
)
