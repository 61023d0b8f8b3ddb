"""Table 2 of the paper: adversarially trained PreAct-ResNet-18 against the plainly trained Neural ODE."""

from dataclasses import replace
from functools import partial
from typing import Final

from natrob_empirical.benchmarks.presets.neural_ode_scales import SCALES, STIFF_LEARNING_RATE, small_neural_ode
from natrob_empirical.benchmarks.presets.preset import AttackSpecification, Preset, PresetModel, published_result
from natrob_empirical.benchmarks.presets.schedules import FAST_ENGINE, HE_2016, small_training
from natrob_empirical.benchmarks.presets.strong_attacks import AUTOATTACK_IMAGES_CIFAR10, with_auto_pgd
from natrob_empirical.models import TABLE_A1_CIFAR10, ResidualSpecification
from natrob_empirical.paper import table_2
from natrob_empirical.training import PAPER_TRAININGS, StandardTraining, TrainingSpecification

PGD_20: Final = "PGD-20 (step size 2/255)"


def _training(printed: str) -> str:
    """The name that records have of a training of the table."""
    if printed == "none":
        return StandardTraining.name
    return PAPER_TRAININGS[printed.lower()].specification.method.name


PUBLISHED: Final = tuple(
    published_result(entry, attack=PGD_20, training=_training(entry.training)) for entry in table_2()
)
PAPER_EPSILON: Final = PUBLISHED[0].epsilon


def _models(
    neural_ode: PresetModel, standard: TrainingSpecification, *, width: int, epochs: int | None = None
) -> tuple[PresetModel, ...]:
    """PreAct-ResNet-18 by each training, and the Neural ODE.

    Args:
        neural_ode: with its own training.
        standard: how PreAct-ResNet-18 is trained without perturbations; its optimiser and engine serve the others
            too where `epochs` is given.
        width: of PreAct-ResNet-18; the paper's is 64.
        epochs: of a short schedule; None for each method's own published one.
    """
    narrow = "" if width == 64 else f" (width {width})"

    def trained(name: str, training: TrainingSpecification) -> PresetModel:
        specification = ResidualSpecification(
            label=f"PreAct-ResNet-18{narrow}, {name}", network="preact_resnet18", width=width
        )
        return PresetModel(specification=specification, training=training)

    found = [trained("standard", replace(standard, method=StandardTraining()))]
    for name, published in PAPER_TRAININGS.items():
        own = published.specification
        short = own if epochs is None else replace(standard, method=own.method, epochs=epochs)
        found.append(trained(name.upper(), short))
    return (*found, neural_ode)


def _attacks(
    epsilons: tuple[float, ...], *, images: int | None = None, strongest: int | None = None
) -> tuple[AttackSpecification, ...]:
    """The table's PGD-20, with steps of 2/255, of which the paper says nothing; and stronger ones."""
    linf = partial(AttackSpecification, norm="Linf", epsilons=epsilons, images=images)
    return (
        linf(label=PGD_20, attack="PGD", steps=20, step_size=2 / 255),
        linf(label="PGD-40", attack="PGD", steps=40),
        linf(label="AutoAttack", attack="AutoAttack", images=strongest),
    )


def _neural_ode(channels: int, epochs: int) -> PresetModel:
    return PresetModel(
        specification=small_neural_ode(channels=channels, stem_stride=2, pool_size=2),
        training=small_training(epochs=epochs, learning_rate=STIFF_LEARNING_RATE),
    )


_GPU_NEURAL_ODE: Final = SCALES["cifar10-gpu"].models[1]
_SHORT_GPU: Final = replace(HE_2016, epochs=20, milestones=(12, 17), batch_size=256, engine=FAST_ENGINE)

PRESETS: Final = (
    Preset(
        name="table2-smoke",
        summary="Table 2 on the digits with PreAct-ResNet-18 of width 8; under 2 minutes",
        dataset="digits",
        models=_models(_neural_ode(8, 4), small_training(epochs=4), width=8, epochs=4),
        # All of AutoAttack on five networks that nobody fools at 8/255 would take more than the two minutes.
        attacks=with_auto_pgd(_attacks((PAPER_EPSILON,), images=40)[:2]),
        test_images=100,
        pairs=8,
    ),
    Preset(
        name="table2-cpu",
        summary="Table 2 on the digits with PreAct-ResNet-18 of width 16, all training and test images",
        dataset="digits",
        models=_models(_neural_ode(16, 15), small_training(epochs=15), width=16, epochs=15),
        attacks=_attacks((PAPER_EPSILON, 0.1), images=200, strongest=40),
        pairs=32,
    ),
    Preset(
        name="table2-gpu",
        summary="Table 2 on CIFAR-10, PreAct-ResNet-18 for 20 epochs each; attacks of at most 9 minutes",
        dataset="cifar10",
        models=_models(_GPU_NEURAL_ODE, _SHORT_GPU, width=64, epochs=20),
        attacks=with_auto_pgd(_attacks((PAPER_EPSILON,), images=300, strongest=AUTOATTACK_IMAGES_CIFAR10)),
        published=PUBLISHED,
    ),
    Preset(
        name="table2-paper",
        summary="Table 2 on CIFAR-10, each training as its own paper has it",
        dataset="cifar10",
        models=_models(PresetModel(specification=TABLE_A1_CIFAR10, training=HE_2016), HE_2016, width=64),
        attacks=_attacks((PAPER_EPSILON,)),
        published=PUBLISHED,
    ),
)
