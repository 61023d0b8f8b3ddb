"""N8: the paper's own Table 1 shows the signs of a failing attack."""

from natrob_empirical.claims.claim import Claim, Evidence
from natrob_empirical.claims.judgement import Judgement, Source
from natrob_empirical.claims.verdict import Verdict
from natrob_empirical.display.formatting import format_number
from natrob_empirical.display.text import measured
from natrob_empirical.paper import PrintedAccuracy, table_1

_FLAT = 0.05


def _row(attack: str) -> list[PrintedAccuracy]:
    return [p for p in table_1("mnist") if p.network == "neural_ode" and p.attack == attack]


def _judge(evidence: Evidence) -> Judgement:
    fgsm, pgd = ([(p.accuracy, p.epsilon, p.steps or 0, p.step_size or 0.0) for p in _row(a)] for a in ("FGSM", "PGD"))
    fall = max(row[0] for row in fgsm) - min(row[0] for row in fgsm)
    short = [epsilon for _, epsilon, steps, size in pgd if steps * size < 2 * epsilon]
    _, widest, steps, size = pgd[-1]
    reason = f"FGSM’s row falls by {measured(format_number(100 * fall, digits=2))} points; PGD’s {steps} steps reach "
    reason += f"{format_number(steps * size)} of the {format_number(2 * widest)} that the ball is wide."
    both = fall < _FLAT and len(short) > 0
    source = Source(kind="paper", name="Table 1, MNIST, Neural ODE", says=f"PGD is short at {len(short)} radii")
    return Judgement(verdict=Verdict.PROVED if both else Verdict.REFUTED, reason=reason, sources=[source])


CLAIM = Claim(
    id="N8",
    statement="The paper’s Table 1 itself shows two signs of a failing attack on MNIST.",
    place="natrob",
    paper="97.50, 97.46, 97.52, 97.48 %; 40 steps of 0.01",
    rule=(
        f"Sign 1: FGSM’s row falls by less than {100 * _FLAT:.0f} points from ε = 0.2 to 0.5.",
        "Sign 2: at a radius, PGD’s steps times its step size is less than the ball’s width 2ε.",
        "Proved by arithmetic on the printed numbers if both are there, else refuted.",
    ),
    judge=_judge,
    replay="natrob claims",
)
