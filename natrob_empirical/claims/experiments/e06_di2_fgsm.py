"""E6: DI²-FGSM against Neural ODEs and ResNet-50 (Figure 2)."""

from natrob_empirical.claims.claim import Claim
from natrob_empirical.claims.curve_rules import RULE_IN_WORDS, Half, by_curves

CLAIM = Claim(
    id="E6",
    statement="Neural ODEs resist the attack DI²-FGSM on MNIST, and lose less than ResNet-50 on CIFAR-10.",
    place="4.2.1, Figure 2",
    paper="curves only; “strongly resistant”, “significantly less”",
    rule=(
        "On MNIST the Neural ODE must lose at most 10 points at every radius up to 0.5.",
        "On CIFAR-10 it must keep more than ResNet-50 at one radius and less at none (exact McNemar, Holm).",
        *RULE_IN_WORDS,
    ),
    judge=by_curves(
        "DI²-FGSM",
        (Half(dataset="mnist", most_lost=0.1), Half(dataset="cifar10", ahead_above=0.0)),
        norm="Linf",
        epsilon=0.5,
    ),
    replay="natrob bench fig2 --preset cpu",
)
