"""Figure 3 of the paper: the Boundary Attack, 1,000 queries and both steps 0.1, next to attacks that use gradients."""

from functools import partial
from typing import Final

from natrob_empirical.benchmarks.presets.neural_ode_scales import at_every_scale
from natrob_empirical.benchmarks.presets.strong_attacks import (
    AUTOATTACK_IMAGES_CIFAR10,
    AUTOATTACK_IMAGES_MNIST,
    curves,
    with_auto_pgd,
)

MNIST_EPSILONS: Final = (0.5, 1.0, 1.58, 2.0, 3.0, 4.0)
CIFAR10_EPSILONS: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
DIGITS_EPSILONS: Final = (0.3, 0.6, 1.0)

_attacks: Final = partial(curves, "Boundary Attack", "BoundaryAttack", norm="L2", pgd_steps=40)
"""One walk of 1,000 queries an image serves every radius."""

PRESETS: Final = at_every_scale(
    "fig3",
    "Figure 3",
    {
        "smoke": _attacks(epsilons=DIGITS_EPSILONS, images=16, strongest=4, judged=(0.6, 1.0)),
        "cpu": _attacks(epsilons=MNIST_EPSILONS, images=40, strongest=20, judged=(1.58, 3.0)),
        "gpu": with_auto_pgd(_attacks(epsilons=MNIST_EPSILONS, images=400, strongest=AUTOATTACK_IMAGES_MNIST)),
        "cifar10-gpu": with_auto_pgd(
            _attacks(epsilons=CIFAR10_EPSILONS, images=80, strongest=AUTOATTACK_IMAGES_CIFAR10)
        ),
        "paper": _attacks(epsilons=MNIST_EPSILONS),
        "cifar10-paper": _attacks(epsilons=CIFAR10_EPSILONS),
    },
)
