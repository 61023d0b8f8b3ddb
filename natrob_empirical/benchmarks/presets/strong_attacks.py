"""Strong attacks beside the paper's own, in sizes that fit their cells."""

from dataclasses import replace
from typing import Final, Literal

from natrob_empirical.benchmarks.presets.preset import AttackSpecification

AUTOATTACK_IMAGES_MNIST: Final = 60
AUTOATTACK_IMAGES_CIFAR10: Final = 8
"""An image that nobody fools costs AutoAttack some 11,600 passes' worth; on Table A1's Neural ODEs so many images take
at most nine minutes. Auto-PGD on both of its losses, a fortieth of that, is run on all images of the other attacks."""


def curves(
    label: str,
    attack: str,
    *,
    norm: Literal["Linf", "L2"],
    pgd_steps: int,
    epsilons: tuple[float, ...],
    images: int | None = None,
    strongest: int | None = None,
    judged: tuple[float, ...] | None = None,
) -> tuple[AttackSpecification, AttackSpecification, AttackSpecification]:
    """A figure's attack over the radii, PGD, and AutoAttack on the `strongest` first images at the radii `judged`."""
    of_figure = AttackSpecification(label=label, attack=attack, norm=norm, epsilons=epsilons, images=images)
    return (
        of_figure,
        replace(of_figure, label=f"PGD-{pgd_steps}", attack="PGD", steps=pgd_steps),
        replace(of_figure, label="AutoAttack", attack="AutoAttack", epsilons=judged or epsilons, images=strongest),
    )


def with_auto_pgd(attacks: tuple[AttackSpecification, ...]) -> tuple[AttackSpecification, ...]:
    """These, and 100 steps of Auto-PGD on the cross-entropy and on the DLR loss, on the images of the first."""
    own = replace(attacks[0], steps=100, step_size=None)
    return (*attacks, *(replace(own, label=name, attack=name) for name in ("APGD-CE", "APGD-DLR")))
