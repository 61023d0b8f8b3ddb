"""The sentences of the site that no record changes: the question, how to read it, and the words."""

from typing import Final

QUESTION: Final = "Is a network robust because of its mathematics, or because the attack was weak?"
PAPER_ADDRESS: Final = "https://arxiv.org/abs/2012.02452"
ABOUT: Final = (
    "The paper “Towards Natural Robustness Against Adversarial Examples” (2020) says that Neural ODEs, networks that "
    "solve a differential equation, resist attacks without any defence.",
    "Where every pixel may change by half (ε = 0.5), any image can turn gray; only the commonest class stays right.",
    "Claims are judged by proofs and by stronger attacks, on smaller networks of our own where a verdict says so.",
)
CLAIMS_LEAD: Final = (
    "The paper claims T about theory and E about experiments; N are natrob’s own claims.",
    "Each verdict is computed from proofs and records; without them it says so.",
)
READING: Final = (
    "Attacked at most: an upper bound; a stronger attack may leave less.",
    "Certified at least: a lower bound, proved.",
    "Vacuous: true, but it excludes nothing.",
    "Not run: no record has the paper’s size.",
    "n: test images used.",
)
READING_ROUND: Final = (
    "Printed upper bounds are rounded up, lower bounds down, so that what is printed still holds.",
    "Everything else goes to the nearest.",
    "∞ is a bound that does not exist or overflows.",
    "CSV and JSON hold the numbers before rounding.",
)
STATISTICS: Final = (
    "One accuracy has Wilson’s 95 % interval over the choice of images.",
    "Two accuracies on the same images are compared image by image by McNemar’s exact test.",
    "Several p-values are adjusted together by Holm’s method; 0.05 counts as beyond chance.",
    "Runs with other seeds, presets or data sets are judged apart and never averaged.",
    "Another training would give another network; that is not in these intervals.",
)
FLAGS: Final = (
    ("one step is stronger", "An attack of one step fools more images than one of many steps."),
    ("transfer is stronger", "Images made on another model fool more than images made on this one."),
    ("no gradient is stronger", "An attack without gradients, or noise, fools more than one with them."),
    ("far from the strongest", "All attacks together fool at least one image in ten more."),
    (
        "above the ceiling",
        "At an L∞ radius of 0.5 the gray image is in reach: no classifier keeps more than one class.",
    ),
    ("our attacks were weak", "No attack of 50 steps or more, and no AutoAttack, was run at this radius."),
    ("budget not used", "The attack left accuracy and moved no image to the edge of its ball."),
)
VERDICTS: Final = {
    "proved": "A proof was checked by a machine.",
    "proved_if": "A proof holds under a condition that the claim leaves out.",
    "refuted": "A counterexample was checked.",
    "vacuous": "The bound is true, and excludes nothing at the paper’s settings.",
    "reproduced": "Records agree with the paper within the rule’s margin.",
    "not_reproduced": "Records differ from the paper by more than the rule’s margin.",
    "reproduced_by_masking": "The paper’s number comes back under its attack, and a stronger attack removes it.",
    "not_run": "No record is of the claim’s size or data.",
    "no_evidence": "No proof or record bears on it, or there are too few images to decide.",
}
KINDS_OF_ATTACK: Final = {
    "gradient": "follows gradients of the network’s own loss",
    "score": "asks for the network’s scores only",
    "decision": "asks for the network’s labels only",
    "transfer": "uses images made on another network",
    "corruption": "asks nothing, such as noise",
    "ensemble": "several attacks, each on what the others left",
}
