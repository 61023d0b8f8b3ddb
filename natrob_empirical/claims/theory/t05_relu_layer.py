"""T5: the paper's (12), the bound of one layer with ReLU."""

from natrob_empirical.claims.claim import Claim
from natrob_empirical.claims.proof_rules import by_proofs
from natrob_empirical.display.text import measured

CLAIM = Claim(
    id="T5",
    statement="A layer with ReLU, of a ResNet or a Neural ODE, enlarges a perturbation at most by its weights’ norm.",
    place="(12), 3.2",
    paper="‖θₙ‖‖ε‖, called a weaker bound",
    rule=("Proved: computer algebra and Coq prove it, both checked.", "Refuted: they hold a counterexample."),
    judge=by_proofs(
        "proofs/symbolic/lipschitz_composition.py",
        and_by=("proofs/coq/lipschitz_composition.v",),
        reason=f"Proved, and no weaker than other bounds: ReLU adds at most the factor {measured('1')}.",
    ),
    replay="make proofs",
)
