"""T9: whether a Neural ODE is a residual network with h → 0."""

import math

from natrob_empirical.claims.claim import Claim
from natrob_empirical.claims.proof_rules import by_proofs
from natrob_empirical.display.formatting import format_number
from natrob_empirical.display.text import measured

# y′ = y over T = 1: K = 1 and M = e in hM(e^{KT} − 1)/(2K); one block gives 1 + h → 1 where the flow gives e.
_NEAR = format_number(0.1 * math.e * (math.e - 1) / 2, kind="upper")
_FAR = format_number(math.e - 1)

CLAIM = Claim(
    id="T9",
    statement="A Neural ODE is a residual network whose step size h tends to 0.",
    place="3.2, (13), 4.2",
    rule=(
        "Proved only if the total time T is fixed and the weights follow a smooth function of time: proved with both, "
        "refuted without either.",
        "Proved: it holds without them.",
        "Refuted: it fails with both.",
    ),
    judge=by_proofs(
        "proofs/symbolic/euler_converges.py",
        fails_without=("proofs/symbolic/fixed_depth_limit.py", "proofs/symbolic/weights_without_a_limit.py"),
        reason=f"Only with T fixed and smooth weights: at h = 0.1 y′ = y is solved within {measured(_NEAR)}; "
        f"one block’s error tends to {measured(_FAR)}.",
    ),
    replay="python -m proofs --only symbolic",
)
