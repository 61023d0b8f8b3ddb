"""E10: the step size alone, T fixed and K free."""

from natrob_empirical.claims.claim import Claim
from natrob_empirical.claims.comparison_rules import VERDICTS_IN_WORDS, by_pairs
from natrob_empirical.evidence.pairs import step_pairs

CLAIM = Claim(
    id="E10",
    statement="A small step size alone makes a network clearly more robust, even if nothing holds its constant K down.",
    place="5",
    paper="“sufficient” even without constraining K",
    rule=(
        "A pair is one network at its smallest and its largest step, with the same T, settings and parameters.",
        "Both are trained without a defence, in one run, and meet the same attacks.",
        *VERDICTS_IN_WORDS,
    ),
    judge=by_pairs(
        step_pairs, subject="The smaller step keeps", missing="No run holds one network at two step sizes and one T."
    ),
    replay="natrob bench skips --preset cpu",
)
