"""Figure 3 of the paper: the Boundary Attack, 1,000 queries and both steps 0.1, next to attacks that use gradients."""

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

MNIST_EPSILONS: Final = (0.5, 1.0, 1.58, 2.0, 3.0, 4.0)
CIFAR10_EPSILONS: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
DIGITS_EPSILONS: Final = (0.3, 0.6, 1.0)


_attacks: Final = partial(curves, "Boundary Attack", "BoundaryAttack", norm="L2", pgd_steps=40)
"""One walk of 1,000 queries an image serves every radius."""

FIGURE_3: Final = (
    Preset(
        name="fig3-smoke",
        summary=f"Figure 3 on the digits: {SMALL_TEXT}; under 2 minutes",
        dataset="digits",
        models=SMOKE_MODELS,
        attacks=_attacks(epsilons=DIGITS_EPSILONS, images=16, strongest=4, judged=(0.6, 1.0)),
        test_images=100,
        pairs=8,
    ),
    Preset(
        name="fig3-cpu",
        summary=f"Figure 3 on 6,000 training and 500 test images of MNIST: {SMALL_TEXT}",
        dataset="mnist",
        models=CPU_MODELS,
        attacks=_attacks(epsilons=MNIST_EPSILONS, images=40, strongest=20, judged=(1.58, 3.0)),
        train_images=6_000,
        test_images=500,
        pairs=32,
    ),
    Preset(
        name="fig3-gpu",
        summary="Figure 3 on MNIST: ResNet-50 and Table A1's Neural ODE, a short schedule; cells of at most 9 minutes",
        dataset="mnist",
        models=GPU_MODELS,
        attacks=(
            *_attacks(epsilons=MNIST_EPSILONS, images=400, strongest=AUTOATTACK_IMAGES_MNIST),
            *auto_pgd("L2", MNIST_EPSILONS, 400),
        ),
    ),
    Preset(
        name="fig3-cifar10-gpu",
        summary="Figure 3 on CIFAR-10: ResNet-50 and Table A1's Neural ODE, a short schedule",
        dataset="cifar10",
        models=GPU_CIFAR10_MODELS,
        attacks=(
            *_attacks(epsilons=CIFAR10_EPSILONS, images=80, strongest=AUTOATTACK_IMAGES_CIFAR10),
            *auto_pgd("L2", CIFAR10_EPSILONS, 80),
        ),
    ),
    Preset(
        name="fig3-paper",
        summary="Figure 3 on MNIST with the paper's networks and the training schedule of He et al.",
        dataset="mnist",
        models=PAPER_MODELS,
        attacks=_attacks(epsilons=MNIST_EPSILONS),
    ),
    Preset(
        name="fig3-cifar10-paper",
        summary="Figure 3 on CIFAR-10 with the paper's networks and the training schedule of He et al.",
        dataset="cifar10",
        models=PAPER_CIFAR10_MODELS,
        attacks=_attacks(epsilons=CIFAR10_EPSILONS),
    ),
)
