"""T12: whether FractalNet's expansion resembles Heun's method."""

from natrob_empirical.claims.claim import Claim
from natrob_empirical.claims.proof_rules import by_proofs
from natrob_empirical.display.text import measured

CLAIM = Claim(
    id="T12",
    statement="FractalNet’s expansion resembles Heun’s method without its two identity maps.",
    place="(19), (20)",
    paper="½hF(hF(y)) + ½hF(y) beside y + ½hF(y + hF(y)) + ½hF(y)",
    rule=(
        "Proved: a checked proof shows that the two differ by the identity maps alone.",
        "Refuted: it shows another difference.",
    ),
    judge=by_proofs(
        "proofs/symbolic/fractalnet_resembles_heun.py",
        reason=f"Exactly {measured('2')} identity maps are missing, for every F; without them nothing is integrated.",
    ),
    replay="python -m proofs --only symbolic",
)
