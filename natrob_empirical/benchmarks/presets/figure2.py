"""Figure 2 of the paper: accuracy under DI²-FGSM over the radius, next to AutoAttack."""

from functools import partial
from typing import Final

from natrob_empirical.benchmarks.presets.neural_ode_scales import at_every_scale
from natrob_empirical.benchmarks.presets.strong_attacks import (
    AUTOATTACK_IMAGES_CIFAR10,
    AUTOATTACK_IMAGES_MNIST,
    curves,
    with_auto_pgd,
)

MNIST_EPSILONS: Final = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
CIFAR10_EPSILONS: Final = tuple(k / 255 for k in (2, 5, 10, 20, 30, 40, 50))

_attacks: Final = partial(curves, "DI²-FGSM", "DI2FGSM", norm="Linf", pgd_steps=20)

PRESETS: Final = at_every_scale(
    "fig2",
    "Figure 2",
    {
        "smoke": _attacks(epsilons=(0.1, 0.3, 0.5), images=40, strongest=4),
        "cpu": _attacks(epsilons=MNIST_EPSILONS, images=100, strongest=20, judged=(0.1, 0.3, 0.5)),
        "gpu": with_auto_pgd(_attacks(epsilons=MNIST_EPSILONS, images=1_000, strongest=AUTOATTACK_IMAGES_MNIST)),
        "cifar10-gpu": with_auto_pgd(
            _attacks(epsilons=CIFAR10_EPSILONS, images=300, strongest=AUTOATTACK_IMAGES_CIFAR10)
        ),
        "paper": _attacks(epsilons=MNIST_EPSILONS),
        "cifar10-paper": _attacks(epsilons=CIFAR10_EPSILONS),
    },
)
