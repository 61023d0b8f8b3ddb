"""Figure 1 of the paper: the step size shrinks at fixed depth; and what the theorem asks for, T = nh held fixed."""

from functools import partial
from typing import Final

from natrob_empirical.benchmarks.presets.preset import AttackSpecification, Preset, PresetModel
from natrob_empirical.benchmarks.presets.schedules import HE_2016_MNIST, small_training
from natrob_empirical.models import FIGURE_1_STEP_SIZES, ResidualSpecification
from natrob_empirical.training import TrainingSpecification

EPSILONS: Final = (0.1, 0.3, 0.5)
SOURCE: Final = "ResNet-8, the source"


def _models(
    training: TrainingSpecification, *, blocks: int, width: int, fixed_time_blocks: tuple[int, ...]
) -> tuple[PresetModel, ...]:
    """The source of the transferred images, 11 step sizes, a control where normalisation cancels h, and fixed T.

    Per stage T is `blocks`, that of the network with h = 1.
    """
    depth = 6 * blocks + 2

    def network(label: str, step_size: float, count: int, *, before: bool = False) -> ResidualSpecification:
        return ResidualSpecification(
            label=label,
            network="resnet",
            blocks=count,
            width=width,
            step_size=step_size,
            step_placement="before_norm" if before else "after_norm",
        )

    shrinking = [network(f"ResNet-{depth}, h = {h:g}", h, blocks) for h in FIGURE_1_STEP_SIZES]
    cancelled = network(f"ResNet-{depth}, h = 0.001 before the normalisation", 1e-3, blocks, before=True)
    fixed_time = [
        network(f"ResNet-{6 * count + 2}, h = {blocks / count:g}, T fixed", blocks / count, count)
        for count in fixed_time_blocks
    ]
    source = PresetModel(specification=network(SOURCE, 1.0, 1), training=training, attacked=False)
    attacked = [PresetModel(specification=each, training=training) for each in (*shrinking, cancelled, *fixed_time)]
    return (source, *attacked)


def _attacks(images: int | None = None) -> tuple[AttackSpecification, ...]:
    """The paper's transferred FGSM images, beside attacks that see the network itself."""
    linf = partial(AttackSpecification, norm="Linf", epsilons=EPSILONS, images=images)
    return (
        linf(label="FGSM from ResNet-8", attack="FGSM", source=SOURCE),
        linf(label="FGSM", attack="FGSM"),
        linf(label="PGD-40", attack="PGD", steps=40),
    )


PRESETS: Final = (
    Preset(
        name="fig1-smoke",
        summary="Figure 1 with ResNet-20 of width 4 on the digits, under 2 minutes",
        dataset="digits",
        models=_models(small_training(epochs=4), blocks=3, width=4, fixed_time_blocks=(6, 12)),
        attacks=_attacks(),
        test_images=100,
        pairs=8,
    ),
    Preset(
        name="fig1-cpu",
        summary="Figure 1 with ResNet-20 in place of ResNet-56, on 5,000 training and 500 test images of MNIST",
        dataset="mnist",
        models=_models(small_training(epochs=2), blocks=3, width=16, fixed_time_blocks=(6, 12)),
        attacks=_attacks(images=200),
        train_images=5_000,
        test_images=500,
        pairs=16,
    ),
    Preset(
        name="fig1-gpu",
        summary="Figure 1 with ResNet-56 on MNIST, a short schedule, cells of at most 9 minutes on one H200",
        dataset="mnist",
        models=_models(small_training(epochs=5, fast=True), blocks=9, width=16, fixed_time_blocks=(18, 36)),
        attacks=_attacks(images=2_000),
        pairs=64,
    ),
    Preset(
        name="fig1-paper",
        summary="Figure 1 with ResNet-56 on MNIST, the schedule of He et al.",
        dataset="mnist",
        models=_models(HE_2016_MNIST, blocks=9, width=16, fixed_time_blocks=(18, 36)),
        attacks=_attacks(),
        pairs=64,
    ),
)
