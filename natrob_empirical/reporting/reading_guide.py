"""The sentences of a report that do not depend on its records: the question, and how to read the numbers."""

from typing import Final

QUESTION: Final = (
    "Is a network that is a numerical integrator (a residual network, a Neural ODE and their relatives) robust "
    "because of its mathematics, or does it look robust because the attack was weak?"
)
ABOUT: Final = (
    "This page is computed from the records of one run and from nothing else. It sets the proved bounds on how "
    "perturbations grow inside each network beside the growth measured, and beside the accuracy under attack."
)
PAPER_TITLE: Final = "Towards Natural Robustness Against Adversarial Examples"
PAPER_AUTHORS: Final = "Haoyu Chu, Shikui Wei and Yao Zhao, arXiv 2012.02452"
PAPER_ADDRESS: Final = "https://arxiv.org/abs/2012.02452"
WORDS: Final = (
    (
        "Trunk",
        "the integrator inside a classifier, between the stem (its first layers) and the head (its last). At each "
        "step it moves the state along its field f.",
    ),
    (
        "K",
        "the Lipschitz constant of f: values of f at two states differ by at most K times the distance of the states.",
    ),
    (
        "μ",
        "the one-sided Lipschitz constant of f: exact solutions separate no faster than e^{μt}. Below 0 they approach "
        "each other.",
    ),
    ("Certified", "proved for this image: no perturbation within the radius changes its label, whatever the attack."),
    ("Vacuous", "said of a bound that is true and excludes nothing. How it is judged stands at the end of the page."),
)
LEAD_MODELS: Final = "What was trained. NFE counts the evaluations of the trunk's field in one forward pass."
LEAD_GROWTH: Final = "How much perturbations of the trunk's input really grow, against how much the theory lets them."
LEAD_ACCURACY: Final = (
    "What attacks leave of the accuracy. The true robust accuracy lies below every attack's line and above the "
    "certificate's."
)
LEAD_CORRELATION: Final = (
    "If the growth of perturbations decided robustness, the models whose growth is bounded by less would keep "
    "more accuracy."
)
LEAD_STEP_SIZES: Final = (
    "What the step size does, apart from training: fields of equal K, Euler's method to the same T with n steps of "
    "h = T/n. (1 + hK)^n is the paper's (10). The bound from (μ, K) is (1 + 2hμ + h²K²)^(n/2), where the one-sided "
    "constant μ, ⟨f(z) − f(y), z − y⟩ ≤ μ‖z − y‖², bounds how fast two exact solutions can separate: by e^{μT}. For a "
    "gradient flow max(1, hK − 1)^n holds too."
)
LEAD_CLAIMS: Final = (
    "A verdict is about these records: "
    "these models, this data, these attacks. “Undecided” means tested, but within sampling error or different "
    "from case to case."
)
READING: Final = (
    (
        "Kinds",
        "Every number has a kind and an n. An upper bound holds for all inputs unless an n is given. A lower "
        "bound of a constant was found by search or sampling; certified accuracy is a lower bound that is "
        "proved. Either way the true value is at least that. Measured is exact for the n samples it was "
        "measured on. An estimate is neither, and whatever is computed from one is an estimate too. K, the "
        "Lipschitz constant of the field, is therefore an interval: at least what sampling found, at most what "
        "the layers allow.",
    ),
    (
        "Rounding",
        "Printed upper bounds are rounded up and lower bounds down; the rest goes to the nearest. Infinity (∞) "
        "is a bound that does not exist or overflows. How each bound check treats rounding errors stands in its "
        "row.",
    ),
    (
        "Vacuous",
        "L·ε₂ bounds how far a perturbation of the budget (ε₂ is the budget in L2) can move an image's feature "
        "vector; L is the upper Lipschitz constant of the map from images to feature vectors. The bound is "
        "vacuous where L·ε₂ is at least the largest distance between the feature vectors of two clean test "
        "images: then it does not even exclude that one image's features become another's. Informative means no "
        "more than not vacuous.",
    ),
    (
        "What the attacks cannot show",
        "Accuracy under attack is an upper bound of the robust accuracy: an attack that fails proves nothing, "
        "and a stronger one may succeed. FGSM and PGD with few steps are weak evidence, the more so where "
        "gradients are masked. Only the certified accuracy is a guarantee, and it is a lower bound.",
    ),
    (
        "Sampling",
        "An accuracy over n images differs from the accuracy over the distribution by up to 1.96·√(p(1 − p)/n) "
        "in 95 % of cases. Differences of accuracies are judged by Agresti and Caffo's 95 % interval, "
        "correlations by random pairing.",
    ),
    (
        "Same images",
        "Two models are compared under an attack on the images that both were attacked on, image by image where the "
        "outcomes were kept: McNemar's exact test, with Agresti and Min's 95 % interval of the difference. p-values of "
        "one comparison over several budgets are adjusted by Holm's method. “Supported” means ahead beyond chance at "
        "some budget and behind at none, “refuted” the reverse, all else is undecided. Chance here is the choice of "
        "images; that another training would give another network is not in it. One accuracy has Wilson's interval.",
    ),
    (
        "Published numbers",
        "A published number stands in a row of its own beside ours, with its source. It is about another network, "
        "training and set of images, and enters no mean, interval or finding of ours. ▲ marks a number, published or "
        "ours, above the share of the largest class at an L∞ radius of 0.5 or more, where no deterministic classifier "
        "is that robust.",
    ),
    (
        "What correlations cannot show",
        "The models are a handful chosen by hand, not a sample of anything. A correlation over them is a "
        "description, and it says nothing about causes.",
    ),
)
