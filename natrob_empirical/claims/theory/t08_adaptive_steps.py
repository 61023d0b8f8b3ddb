"""T8: whether adaptive steps leave a bound proportional to the perturbation."""

from natrob_empirical.claims.claim import Claim
from natrob_empirical.claims.proof_rules import by_proofs
from natrob_empirical.display.text import measured

CLAIM = Claim(
    id="T8",
    statement="With an adaptive solver a Neural ODE still changes at most by a constant times the perturbation.",
    place="3.2, 5",
    paper="a weaker bound than (14), no constant given",
    rule=("Refuted: a checked proof holds a solver without such a constant.", "Proved: a checked proof gives one."),
    judge=by_proofs(
        "proofs/symbolic/adaptive_steps_jump.py",
        reason=f"Accepting or rejecting a step makes outputs jump: two ends are at least {measured('1/4')} apart, "
        "however near their starts.",
    ),
    replay="python -m proofs --only symbolic",
)
