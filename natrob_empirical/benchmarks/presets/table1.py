"""Table 1 of the paper: ResNet-50 and the Neural ODE under FGSM and PGD, next to attacks that are stronger."""

from functools import partial
from typing import Final

from natrob_empirical.benchmarks.presets.neural_ode_scales import NEURAL_ODE, RESNET, SCALES, at_every_scale
from natrob_empirical.benchmarks.presets.preset import AttackSpecification, PublishedResult
from natrob_empirical.benchmarks.presets.strong_attacks import (
    AUTOATTACK_IMAGES_CIFAR10,
    AUTOATTACK_IMAGES_MNIST,
    with_auto_pgd,
)

MNIST_EPSILONS: Final = (0.2, 0.3, 0.4, 0.5)
CIFAR10_EPSILONS: Final = (8 / 255, 12 / 255, 16 / 255, 20 / 255)
PAPER_PGD: Final = "PGD-40 (step size 0.01)"
SOURCE: Final = '"Towards Natural Robustness Against Adversarial Examples", arXiv 2012.02452, Table 1'

PUBLISHED: Final = (
    PublishedResult(network="neural_ode", attack=PAPER_PGD, norm="Linf", epsilon=0.5, accuracy=0.7523, source=SOURCE),
    PublishedResult(network="neural_ode", attack="FGSM", norm="Linf", epsilon=0.5, accuracy=0.9748, source=SOURCE),
)
"""The entries of the table that are known here: two of the Neural ODE on MNIST."""


def _attacks(
    scale: str, epsilons: tuple[float, ...], *, images: int | None = None, strongest: int | None = None
) -> tuple[AttackSpecification, ...]:
    """The paper's two attacks first; `strongest` is how many images AutoAttack gets."""
    linf = partial(AttackSpecification, norm="Linf", epsilons=epsilons, images=images)
    pgd = partial(linf, attack="PGD", steps=40)
    resnet, neural_ode = (model.specification.label for model in SCALES[scale].models)
    return (
        linf(label="FGSM", attack="FGSM"),
        pgd(label=PAPER_PGD, step_size=0.01),
        pgd(label="PGD-40"),
        pgd(label=f"PGD-40 from {RESNET}", source=resnet),
        pgd(label=f"PGD-40 from {NEURAL_ODE}", source=neural_ode),
        linf(label="Move to Gray", attack="MoveToGray", steps=10),
        linf(label="AutoAttack", attack="AutoAttack", images=strongest),
    )


PRESETS: Final = at_every_scale(
    "table1",
    "Table 1",
    {
        "smoke": _attacks("smoke", (0.2, 0.5), images=40, strongest=4),
        "cpu": _attacks("cpu", MNIST_EPSILONS, images=100, strongest=50),
        "gpu": with_auto_pgd(_attacks("gpu", MNIST_EPSILONS, images=1_000, strongest=AUTOATTACK_IMAGES_MNIST)),
        "cifar10-gpu": with_auto_pgd(
            _attacks("cifar10-gpu", CIFAR10_EPSILONS, images=300, strongest=AUTOATTACK_IMAGES_CIFAR10)
        ),
        "paper": _attacks("paper", MNIST_EPSILONS),
        "cifar10-paper": _attacks("cifar10-paper", CIFAR10_EPSILONS),
    },
    published=PUBLISHED,
    summaries={
        "cifar10-gpu": "on CIFAR-10: ResNet-50 and Table A1's Neural ODE, a short schedule; attacks under 9 minutes",
        "paper": "on MNIST with the paper's networks and attacks and the training schedule of He et al.",
        "cifar10-paper": "on CIFAR-10 with the paper's networks and attacks and the training schedule of He et al.",
    },
)
