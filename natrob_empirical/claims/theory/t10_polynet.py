"""T10: whether PolyNet approximates backward Euler."""

from natrob_empirical.claims.claim import Claim
from natrob_empirical.claims.proof_rules import by_proofs
from natrob_empirical.display.text import measured

CLAIM = Claim(
    id="T10",
    statement="A block of PolyNet is a second-order approximation of a step of the backward Euler method.",
    place="(15)–(18)",
    paper="I + hF + (hF)² ≈ (I − hF)⁻¹",
    rule=(
        "Proved only if F is linear and hK < 1: proved there, refuted for nonlinear F.",
        "Proved: for every F.",
        "Refuted: for linear F too.",
    ),
    judge=by_proofs(
        "proofs/symbolic/polynet_defect.py",
        and_by=("proofs/coq/polynet_defect.v",),
        fails_without=("proofs/symbolic/neumann_series_nonlinear.py",),
        # x³/(1 − x) at x = 1/2
        reason=f"Only for linear F and hK < 1: at hK = 1/2 the two differ by at most "
        f"{measured(f'{0.5**3 / (1 - 0.5):g}')} of the input’s norm.",
    ),
    replay="make proofs",
)
