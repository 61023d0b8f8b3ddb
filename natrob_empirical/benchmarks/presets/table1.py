"""Table 1 of the paper: ResNet-50 and the Neural ODE under FGSM and PGD, next to attacks that are stronger."""

from dataclasses import replace
from functools import partial
from typing import Final

from natrob_empirical.benchmarks.presets.neural_ode_scales import (
    NARROWER,
    NEURAL_ODE,
    RESNET,
    SCALES,
    at_every_scale,
)
from natrob_empirical.benchmarks.presets.preset import AttackSpecification, published_result
from natrob_empirical.benchmarks.presets.strong_attacks import (
    AUTOATTACK_IMAGES_CIFAR10,
    AUTOATTACK_IMAGES_MNIST,
    with_auto_pgd,
)
from natrob_empirical.paper import DATASETS, table_1

_PGD: Final = next(entry for entry in table_1("mnist") if entry.attack == "PGD")
PAPER_PGD: Final = f"PGD-{_PGD.steps} (step size {_PGD.step_size:g})"

PUBLISHED: Final = {
    dataset: tuple(
        published_result(entry, attack=PAPER_PGD if entry.attack == "PGD" else entry.attack)
        for entry in table_1(dataset)
    )
    for dataset in DATASETS
}
MNIST_EPSILONS, CIFAR10_EPSILONS = (
    tuple(dict.fromkeys(result.epsilon for result in PUBLISHED[dataset])) for dataset in DATASETS
)


def _attacks(
    scale: str,
    epsilons: tuple[float, ...],
    *,
    images: int | None = None,
    strongest: int | None = None,
    others: int | None = None,
) -> tuple[AttackSpecification, ...]:
    """The paper's two attacks first; `strongest` is how many images AutoAttack gets, `others` the attacks between."""
    linf = partial(AttackSpecification, norm="Linf", epsilons=epsilons, images=images)
    pgd = partial(linf, attack="PGD", steps=_PGD.steps)
    few = others or images
    resnet, neural_ode = (model.specification.label for model in SCALES[scale].models)
    return (
        linf(label="FGSM", attack="FGSM"),
        pgd(label=PAPER_PGD, step_size=_PGD.step_size),
        pgd(label="PGD-40"),
        pgd(label=f"PGD-40 from {RESNET}", source=resnet, images=few),
        pgd(label=f"PGD-40 from {NEURAL_ODE}", source=neural_ode, images=few),
        linf(label="Move to Gray", attack="MoveToGray", steps=10, images=few),
        linf(label="AutoAttack", attack="AutoAttack", images=strongest),
    )


def _with_smaller_radii(attacks: tuple[AttackSpecification, ...]) -> tuple[AttackSpecification, ...]:
    """These, and on fewer images FGSM, both PGDs and AutoAttack at radii where networks still keep something."""
    nearer = [replace(attack, epsilons=(0.05, 0.1), images=200) for attack in attacks[:3]]
    return (*attacks, *nearer, replace(attacks[-1], epsilons=(0.1,), images=50))


PRESETS: Final = at_every_scale(
    "table1",
    "Table 1",
    {
        "smoke": _attacks("smoke", (0.2, 0.5), images=40, strongest=4),
        "cpu": _with_smaller_radii(_attacks("cpu", MNIST_EPSILONS, images=1_000, strongest=1_000, others=100)),
        "gpu": with_auto_pgd(_attacks("gpu", MNIST_EPSILONS, images=1_000, strongest=AUTOATTACK_IMAGES_MNIST)),
        "cifar10-gpu": with_auto_pgd(
            _attacks("cifar10-gpu", CIFAR10_EPSILONS, images=300, strongest=AUTOATTACK_IMAGES_CIFAR10)
        ),
        "paper": _attacks("paper", MNIST_EPSILONS),
        "cifar10-paper": _attacks("cifar10-paper", CIFAR10_EPSILONS),
    },
    published=PUBLISHED,
    summaries={
        "cpu": f"on 6,000 training and 1,000 test images of MNIST: {NARROWER}",
        "cifar10-gpu": "on CIFAR-10: ResNet-50 and Table A1's Neural ODE, a short schedule; attacks under 9 minutes",
        "paper": "on MNIST with the paper's networks and attacks and the training schedule of He et al.",
        "cifar10-paper": "on CIFAR-10 with the paper's networks and attacks and the training schedule of He et al.",
    },
    test_images={"cpu": 1_000},
)
