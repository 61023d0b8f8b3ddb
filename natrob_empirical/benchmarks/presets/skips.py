"""Section 3.3 of the paper, which it does not test: other skip connections at h = 1 and at small h with T fixed."""

from dataclasses import replace
from functools import partial
from typing import Any, Final

from natrob_empirical.benchmarks.presets.preset import AttackSpecification, Preset, PresetModel
from natrob_empirical.benchmarks.presets.schedules import small_training
from natrob_empirical.benchmarks.presets.strong_attacks import with_auto_pgd
from natrob_empirical.models import ModelSpecification

TITLES: Final = {
    "euler": "ResNet",
    "polynet": "PolyNet",
    "fractalnet": "FractalNet",
    "revnet": "RevNet",
    "backward_euler": "Backward Euler",
}
TOTAL_TIME: Final = 2
LEARNING_RATE: Final = 5e-4
"""Nothing keeps hμ below 1 in training, and beyond it backward Euler's equation need not have a solution. At 1e-2 that
came within an epoch at h = 1/4, at 2e-3 at h = 1."""


def _models(*, refinement: int, epochs: int, fast: bool = False, **sizes: Any) -> tuple[PresetModel, ...]:
    """Every network at h = 1 and at h = 1/refinement, T = 2 both times.

    All share one field over their steps, and RevNet's two have half the channels each: the parameter counts differ
    by RevNet's few biases only.
    """
    training = small_training(epochs=epochs, learning_rate=LEARNING_RATE, fast=fast)
    return tuple(
        PresetModel(
            specification=ModelSpecification(
                label=f"{title}, h = {1 / steps_per_unit:g}",
                network=network,
                step_size=1.0 / steps_per_unit,
                num_steps=TOTAL_TIME * steps_per_unit,
                **sizes,
            ),
            training=training,
        )
        for network, title in TITLES.items()
        for steps_per_unit in (1, refinement)
    )


_mnist_models: Final = partial(_models, stem_stride=2, pool_size=7)


def _attacks(
    linf: tuple[float, ...], l2: tuple[float, ...], *, images: int | None = None
) -> tuple[AttackSpecification, ...]:
    """FGSM and PGD as in the paper's tables, and Auto-PGD on both of its losses.

    All of AutoAttack would spend most of the preset's time on backward Euler, which solves an equation at every step.
    """
    fgsm = AttackSpecification(label="FGSM", attack="FGSM", norm="Linf", epsilons=linf, images=images)
    pgd = replace(fgsm, label="PGD-40", attack="PGD", steps=40)
    return with_auto_pgd((fgsm, pgd, replace(pgd, norm="L2", epsilons=l2)))


PRESETS: Final = (
    Preset(
        name="skips-smoke",
        summary="PolyNet, FractalNet, RevNet, backward Euler at h = 1 and 1/2, T = 2, on the digits; under 2 minutes",
        dataset="digits",
        models=_models(refinement=2, epochs=6, channels=4, hidden=8),
        attacks=_attacks((0.05, 0.1), (0.3,), images=40),
        train_images=500,
        test_images=100,
        pairs=8,
    ),
    Preset(
        name="skips-cpu",
        summary="PolyNet, FractalNet, RevNet, backward Euler at h = 1 and 1/4, T = 2, on 2,000 images of MNIST",
        dataset="mnist",
        models=_mnist_models(refinement=4, epochs=6, channels=8, hidden=16),
        attacks=_attacks((0.1, 0.2, 0.3), (1.0, 2.0), images=50),
        train_images=2_000,
        test_images=500,
        pairs=32,
    ),
    Preset(
        name="skips-gpu",
        summary="PolyNet, FractalNet, RevNet, backward Euler at h = 1 and 1/16, T = 2, on MNIST; cells under 9 minutes",
        dataset="mnist",
        models=_mnist_models(refinement=16, epochs=5, fast=True, channels=64, hidden=64),
        attacks=_attacks((0.1, 0.2, 0.3), (1.0, 2.0), images=1_000),
    ),
    Preset(
        name="skips-paper",
        summary="PolyNet, FractalNet, RevNet, backward Euler at h = 1 and 1/16, T = 2, 128 channels, all of MNIST",
        dataset="mnist",
        models=_mnist_models(refinement=16, epochs=30, channels=128, hidden=128),
        attacks=_attacks((0.1, 0.2, 0.3, 0.4, 0.5), (1.0, 2.0, 3.0)),
    ),
)
