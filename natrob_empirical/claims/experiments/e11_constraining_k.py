"""E11: holding the Lipschitz constant K down in training."""

from natrob_empirical.claims.claim import Claim
from natrob_empirical.claims.comparison_rules import VERDICTS_IN_WORDS, by_pairs
from natrob_empirical.evidence.pairs import constrained_pairs

CLAIM = Claim(
    id="E11",
    statement="Holding a network’s Lipschitz constant K down makes it more robust.",
    place="5",
    paper="expected; left as future work",
    rule=(
        "A pair is a network trained with K penalised or its layers’ norms bounded, and the same network without.",
        "Both have the same settings, in one run, and meet the same attacks.",
        *VERDICTS_IN_WORDS,
    ),
    judge=by_pairs(
        constrained_pairs,
        subject="Constrained networks keep",
        missing="No run holds one network with K held down and free.",
    ),
    replay="natrob bench certified --preset cpu",
)
