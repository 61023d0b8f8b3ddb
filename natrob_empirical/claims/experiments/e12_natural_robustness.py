"""E12: the paper's headline, Neural ODEs are more stable than residual networks without any defence."""

from natrob_empirical.claims.claim import Claim
from natrob_empirical.claims.comparison_rules import VERDICTS_IN_WORDS, WHITE_BOX, by_pairs
from natrob_empirical.evidence.pairs import neural_ode_pairs

CLAIM = Claim(
    id="E12",
    statement="Neural ODEs are more stable than residual networks under white-box attacks, without any defence.",
    place="introduction, 4.2.1, A",
    paper="more stable under white-box attacks (Table 1)",
    rule=(
        "A pair is a Neural ODE and a residual network of equal size (parameters ± 5 %), trained without a defence.",
        "Both are of one run and meet the same white-box attacks, at all budgets together.",
        *VERDICTS_IN_WORDS,
    ),
    judge=by_pairs(
        neural_ode_pairs,
        subject="Neural ODEs keep",
        missing="No run holds a Neural ODE and a residual network of one size.",
        kinds=WHITE_BOX,
    ),
    replay="natrob bench certified --preset cpu",
)
