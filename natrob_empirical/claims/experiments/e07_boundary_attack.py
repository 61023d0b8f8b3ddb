"""E7: the Boundary Attack, which uses no gradient, against Neural ODEs and ResNet-50 (Figure 3)."""

from natrob_empirical.claims.claim import Claim
from natrob_empirical.claims.curve_rules import RULE_IN_WORDS, Half, by_curves

CLAIM = Claim(
    id="E7",
    statement="The Boundary Attack has almost no effect on Neural ODEs on MNIST; on CIFAR-10 they beat ResNet-50 late.",
    place="4.2.2, Figure 3",
    paper="curves only; “almost no effect”, better than ResNet50 above 33",
    rule=(
        "On MNIST the Neural ODE must lose at most 5 points at every radius.",
        "On CIFAR-10 it must keep more than ResNet-50 at a radius above 33/255, less at none (exact McNemar, Holm).",
        *RULE_IN_WORDS,
    ),
    judge=by_curves(
        "Boundary Attack",
        (Half(dataset="mnist", most_lost=0.05), Half(dataset="cifar10", ahead_above=33 / 255)),
        norm="L2",
        epsilon=1.58,
    ),
    replay="natrob bench fig3 --preset cpu",
)
