"""Figure 2 of the paper: accuracy under DI²-FGSM over the radius, next to AutoAttack."""

from functools import partial
from typing import Final

from natrob_empirical.benchmarks.presets.preset import Preset
from natrob_empirical.benchmarks.presets.strong_attacks import (
    AUTOATTACK_IMAGES_CIFAR10,
    AUTOATTACK_IMAGES_MNIST,
    auto_pgd,
    curves,
)
from natrob_empirical.benchmarks.presets.table1_models import (
    CPU_MODELS,
    GPU_CIFAR10_MODELS,
    GPU_MODELS,
    PAPER_CIFAR10_MODELS,
    PAPER_MODELS,
    SMALL_TEXT,
    SMOKE_MODELS,
)

MNIST_EPSILONS: Final = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
CIFAR10_EPSILONS: Final = tuple(k / 255 for k in (2, 5, 10, 20, 30, 40, 50))


_attacks: Final = partial(curves, "DI²-FGSM", "DI2FGSM", norm="Linf", pgd_steps=20)

FIGURE_2: Final = (
    Preset(
        name="fig2-smoke",
        summary=f"Figure 2 on the digits: {SMALL_TEXT}; under 2 minutes",
        dataset="digits",
        models=SMOKE_MODELS,
        attacks=_attacks(epsilons=(0.1, 0.3, 0.5), images=40, strongest=4),
        test_images=100,
        pairs=8,
    ),
    Preset(
        name="fig2-cpu",
        summary=f"Figure 2 on 6,000 training and 500 test images of MNIST: {SMALL_TEXT}",
        dataset="mnist",
        models=CPU_MODELS,
        attacks=_attacks(epsilons=MNIST_EPSILONS, images=100, strongest=20, judged=(0.1, 0.3, 0.5)),
        train_images=6_000,
        test_images=500,
        pairs=32,
    ),
    Preset(
        name="fig2-gpu",
        summary="Figure 2 on MNIST: ResNet-50 and Table A1's Neural ODE, a short schedule; cells of at most 9 minutes",
        dataset="mnist",
        models=GPU_MODELS,
        attacks=(
            *_attacks(epsilons=MNIST_EPSILONS, images=1_000, strongest=AUTOATTACK_IMAGES_MNIST),
            *auto_pgd("Linf", MNIST_EPSILONS, 1_000),
        ),
    ),
    Preset(
        name="fig2-cifar10-gpu",
        summary="Figure 2 on CIFAR-10: ResNet-50 and Table A1's Neural ODE, a short schedule",
        dataset="cifar10",
        models=GPU_CIFAR10_MODELS,
        attacks=(
            *_attacks(epsilons=CIFAR10_EPSILONS, images=300, strongest=AUTOATTACK_IMAGES_CIFAR10),
            *auto_pgd("Linf", CIFAR10_EPSILONS, 300),
        ),
    ),
    Preset(
        name="fig2-paper",
        summary="Figure 2 on MNIST with the paper's networks and the training schedule of He et al.",
        dataset="mnist",
        models=PAPER_MODELS,
        attacks=_attacks(epsilons=MNIST_EPSILONS),
    ),
    Preset(
        name="fig2-cifar10-paper",
        summary="Figure 2 on CIFAR-10 with the paper's networks and the training schedule of He et al.",
        dataset="cifar10",
        models=PAPER_CIFAR10_MODELS,
        attacks=_attacks(epsilons=CIFAR10_EPSILONS),
    ),
)
