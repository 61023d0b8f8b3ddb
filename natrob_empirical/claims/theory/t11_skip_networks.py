"""T11: whether PolyNet, FractalNet and RevNet lose their bounds at h = 1."""

import math

from natrob_empirical.claims.claim import Claim
from natrob_empirical.claims.proof_rules import by_proofs, held_against_growth
from natrob_empirical.display.formatting import format_number
from natrob_empirical.display.text import measured

# A step at x = hK = 1: PolyNet 1 + x + x², FractalNet ½x² + ½x, RevNet's matrix, which is symmetric there.
_LARGEST = measured(format_number(max(3.0, 1.0, math.exp(2 * math.asinh(0.5))), kind="upper"))

CLAIM = Claim(
    id="T11",
    statement="PolyNet, FractalNet and RevNet lose their methods’ bounds because h = 1, the main reason that attacks "
    "succeed on them.",
    place="3.3, 5",
    rule=(
        "Refuted: checked proofs give each of the three a bound at every h.",
        "Proved: they show that none has one.",
        "No evidence: the proofs disagree, or growth measured at h = 1 exceeds a bound.",
    ),
    judge=held_against_growth(
        by_proofs(
            "proofs/coq/polynet.v",
            and_by=("proofs/coq/fractalnet.v", "proofs/coq/revnet.v"),
            of_the_opposite=True,
            reason=f"Each keeps a bound: with hK = 1 a perturbation grows at most {_LARGEST}-fold a step.",
        ),
        {"polynet", "fractalnet", "revnet"},
        step_size=1.0,
    ),
    replay="make proofs && natrob report skips --preset cpu",
)
