"""Table 1 of the paper: ResNet-50 and the Neural ODE under FGSM and PGD, next to attacks that are stronger."""

from dataclasses import replace
from typing import Any, Final

from natrob_empirical.benchmarks.presets.preset import AttackSpecification, Preset, PresetModel, PublishedResult
from natrob_empirical.benchmarks.presets.strong_attacks import (
    AUTOATTACK_IMAGES_CIFAR10,
    AUTOATTACK_IMAGES_MNIST,
    auto_pgd,
)
from natrob_empirical.benchmarks.presets.table1_models import (
    CPU_MODELS,
    GPU_CIFAR10_MODELS,
    GPU_MODELS,
    NEURAL_ODE,
    PAPER_CIFAR10_MODELS,
    PAPER_MODELS,
    RESNET,
    SMALL_TEXT,
    SMOKE_MODELS,
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
    models: tuple[PresetModel, PresetModel],
    epsilons: tuple[float, ...],
    *,
    images: int | None = None,
    strongest: int | None = None,
) -> tuple[AttackSpecification, ...]:
    """The paper's two attacks first; `strongest` is how many images AutoAttack gets."""

    def linf(label: str, attack: str, **settings: Any) -> AttackSpecification:
        specification = AttackSpecification(label=label, attack=attack, norm="Linf", epsilons=epsilons, images=images)
        return replace(specification, **settings)

    resnet, neural_ode = (model.specification.label for model in models)
    return (
        linf("FGSM", "FGSM"),
        linf(PAPER_PGD, "PGD", steps=40, step_size=0.01),
        linf("PGD-40", "PGD", steps=40),
        linf(f"PGD-40 from {RESNET}", "PGD", steps=40, source=resnet),
        linf(f"PGD-40 from {NEURAL_ODE}", "PGD", steps=40, source=neural_ode),
        linf("Move to Gray", "MoveToGray", steps=10),
        replace(linf("AutoAttack", "AutoAttack"), images=strongest),
    )


TABLE_1: Final = (
    Preset(
        name="table1-smoke",
        summary=f"Table 1 on the digits: {SMALL_TEXT}; under 2 minutes",
        dataset="digits",
        models=SMOKE_MODELS,
        attacks=_attacks(SMOKE_MODELS, (0.2, 0.5), images=40, strongest=4),
        test_images=100,
        pairs=8,
    ),
    Preset(
        name="table1-cpu",
        summary=f"Table 1 on 6,000 training and 500 test images of MNIST: {SMALL_TEXT}",
        dataset="mnist",
        models=CPU_MODELS,
        attacks=_attacks(CPU_MODELS, MNIST_EPSILONS, images=100, strongest=50),
        published=PUBLISHED,
        train_images=6_000,
        test_images=500,
        pairs=32,
    ),
    Preset(
        name="table1-gpu",
        summary="Table 1 on MNIST: ResNet-50 and Table A1's Neural ODE, a short schedule; cells of at most 9 minutes",
        dataset="mnist",
        models=GPU_MODELS,
        attacks=(
            *_attacks(GPU_MODELS, MNIST_EPSILONS, images=1_000, strongest=AUTOATTACK_IMAGES_MNIST),
            *auto_pgd("Linf", MNIST_EPSILONS, 1_000),
        ),
        published=PUBLISHED,
    ),
    Preset(
        name="table1-cifar10-gpu",
        summary="Table 1 on CIFAR-10: ResNet-50 and Table A1's Neural ODE, a short schedule; attacks under 9 minutes",
        dataset="cifar10",
        models=GPU_CIFAR10_MODELS,
        attacks=(
            *_attacks(GPU_CIFAR10_MODELS, CIFAR10_EPSILONS, images=300, strongest=AUTOATTACK_IMAGES_CIFAR10),
            *auto_pgd("Linf", CIFAR10_EPSILONS, 300),
        ),
    ),
    Preset(
        name="table1-paper",
        summary="Table 1 on MNIST with the paper's networks and attacks and the training schedule of He et al.",
        dataset="mnist",
        models=PAPER_MODELS,
        attacks=_attacks(PAPER_MODELS, MNIST_EPSILONS),
        published=PUBLISHED,
    ),
    Preset(
        name="table1-cifar10-paper",
        summary="Table 1 on CIFAR-10 with the paper's networks and attacks and the training schedule of He et al.",
        dataset="cifar10",
        models=PAPER_CIFAR10_MODELS,
        attacks=_attacks(PAPER_CIFAR10_MODELS, CIFAR10_EPSILONS),
    ),
)
