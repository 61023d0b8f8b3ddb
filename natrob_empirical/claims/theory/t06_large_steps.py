"""T6: whether the step size h = 1 destroys the bound of Theorem 3.1."""

from fractions import Fraction

from natrob_empirical.claims.claim import Claim
from natrob_empirical.claims.proof_rules import by_proofs
from natrob_empirical.display.formatting import format_number
from natrob_empirical.display.text import measured


def _factor(steps: int, *, kind: str) -> str:
    """(1 + hK)^n for K = T = 1."""
    return measured(format_number(float((1 + Fraction(1, steps)) ** steps), kind=kind))


CLAIM = Claim(
    id="T6",
    statement="The step size h = 1 of a ResNet destroys the bound, so that its output changes unpredictably.",
    place="3.1",
    rule=(
        "Refuted: a checked proof shows that at equal K and T the bound at h = 1 is below those of smaller h.",
        "Proved: it shows the opposite.",
    ),
    judge=by_proofs(
        "proofs/symbolic/large_steps_do_not_break_the_bound.py",
        reason=f"The bound is smallest at h = 1: with Lipschitz constant and time 1 it is {_factor(1, kind='upper')}, "
        f"at h = 0.1 at least {_factor(10, kind='lower')}.",
    ),
    replay="python -m proofs --only symbolic",
)
