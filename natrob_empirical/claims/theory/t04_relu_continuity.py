"""T4: whether ReLU takes a ResNet out of Theorem 3.1."""

from natrob_empirical.claims.claim import Claim
from natrob_empirical.claims.proof_rules import by_proofs
from natrob_empirical.display.text import measured

CLAIM = Claim(
    id="T4",
    statement="A ResNet does not meet the theorem’s condition of continuity, because of its ReLU activations.",
    place="3.1",
    rule=(
        "Refuted: a checked proof shows that ReLU is continuous and Lipschitz.",
        "Proved: it shows the opposite.",
    ),
    judge=by_proofs(
        "proofs/symbolic/relu_does_not_weaken_the_bound.py",
        reason=f"ReLU is continuous: it enlarges no distance by more than the factor {measured('1')}.",
    ),
    replay="python -m proofs --only symbolic",
)
