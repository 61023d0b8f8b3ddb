"""Table 1 and Figures 2 and 3 at every scale: two models on one data set; only the attacks differ."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from natrob_empirical.benchmarks.presets.preset import AttackSpecification, Preset, PresetModel, PublishedResult
from natrob_empirical.benchmarks.presets.schedules import HE_2016, HE_2016_MNIST, small_training
from natrob_empirical.models import (
    RESNET_50,
    TABLE_A1_CIFAR10,
    TABLE_A1_MNIST,
    ModelSpecification,
    ResidualSpecification,
)
from natrob_empirical.training import TrainingSpecification

RESNET: Final = RESNET_50.label
NEURAL_ODE: Final = "Neural ODE"
STIFF_LEARNING_RATE: Final = 1e-3
"""Over T = 100 a step of AdamW moves the flow a hundred times as far as over T = 1: on MNIST, batches
of 64, 1e-2 had a loss of 2.36 after 180 steps, 3e-3 came to 32 % in 94 steps, 1e-3 to 94 % in 376."""


def _pair(
    resnet: ResidualSpecification, neural_ode: ModelSpecification, *trainings: TrainingSpecification
) -> tuple[PresetModel, PresetModel]:
    """Both models; one training for both, or one each."""
    return (
        PresetModel(specification=resnet, training=trainings[0]),
        PresetModel(specification=neural_ode, training=trainings[-1]),
    )


def _small_resnet(width: int) -> ResidualSpecification:
    """ResNet-50 with fewer channels, and a label that says so."""
    return ResidualSpecification(label=f"{RESNET}, width {width}", network="resnet50", width=width)


def small_neural_ode(*, channels: int, stem_stride: int, pool_size: int) -> ModelSpecification:
    """Table A1's field of four convolutions and its T = 100, with fewer channels, on a state of fewer pixels."""
    return ModelSpecification(
        label=f"{NEURAL_ODE}, {channels} channels",
        network="neural_ode",
        channels=channels,
        hidden=channels,
        field_convolutions=4,
        step_size=20.0,
        num_steps=5,
        stem_stride=stem_stride,
        pool_size=pool_size,
    )


NARROWER: Final = "ResNet-50 and Table A1's Neural ODE (four convolutions, T = 100), narrower than the paper's"
_SHORT: Final = "ResNet-50 and Table A1's Neural ODE, a short schedule"
_PAPER: Final = "with the paper's networks and the training schedule of He et al."

_SCALES: Final = (
    Preset(
        name="smoke",
        summary=f"on the digits: {NARROWER}; under 2 minutes",
        dataset="digits",
        models=_pair(
            _small_resnet(8),
            small_neural_ode(channels=8, stem_stride=2, pool_size=2),
            small_training(epochs=4),
            small_training(epochs=4, learning_rate=STIFF_LEARNING_RATE),
        ),
        test_images=100,
        pairs=8,
    ),
    Preset(
        name="cpu",
        summary=f"on 6,000 training and 500 test images of MNIST: {NARROWER}",
        dataset="mnist",
        models=_pair(
            _small_resnet(16),
            small_neural_ode(channels=16, stem_stride=2, pool_size=7),
            small_training(epochs=2),
            small_training(epochs=4, learning_rate=STIFF_LEARNING_RATE),
        ),
        train_images=6_000,
        test_images=500,
        pairs=32,
    ),
    Preset(
        name="gpu",
        summary=f"on MNIST: {_SHORT}; cells of at most 9 minutes",
        dataset="mnist",
        models=_pair(
            RESNET_50,
            TABLE_A1_MNIST,
            small_training(epochs=5, fast=True),
            small_training(epochs=3, learning_rate=STIFF_LEARNING_RATE, fast=True),
        ),
    ),
    Preset(
        name="cifar10-gpu",
        summary=f"on CIFAR-10: {_SHORT}",
        dataset="cifar10",
        models=_pair(
            RESNET_50,
            TABLE_A1_CIFAR10,
            small_training(epochs=20, fast=True),
            small_training(epochs=3, learning_rate=STIFF_LEARNING_RATE, fast=True),
        ),
    ),
    Preset(
        name="paper",
        summary=f"on MNIST {_PAPER}",
        dataset="mnist",
        models=_pair(RESNET_50, TABLE_A1_MNIST, HE_2016_MNIST),
    ),
    Preset(
        name="cifar10-paper",
        summary=f"on CIFAR-10 {_PAPER}",
        dataset="cifar10",
        models=_pair(RESNET_50, TABLE_A1_CIFAR10, HE_2016),
    ),
)
SCALES: Final = {scale.name: scale for scale in _SCALES}


def at_every_scale(
    key: str,
    title: str,
    attacks: Mapping[str, tuple[AttackSpecification, ...]],
    *,
    published: Mapping[str, tuple[PublishedResult, ...]] = MappingProxyType({}),
    summaries: Mapping[str, str] = MappingProxyType({}),
    test_images: Mapping[str, int] = MappingProxyType({}),
) -> tuple[Preset, ...]:
    """The presets of one figure or table.

    Args:
        key: the start of their names, such as "fig2".
        title: the start of their summaries, such as "Figure 2".
        attacks: by scale.
        published: by data set.
        summaries: by scale, where that of `SCALES` does not say all.
        test_images: by scale, where it is not as many as `SCALES` says.
    """
    return tuple(
        replace(
            scale,
            name=f"{key}-{name}",
            summary=f"{title} {summaries.get(name, scale.summary)}",
            attacks=attacks[name],
            published=published.get(scale.dataset, ()),
            test_images=test_images.get(name, scale.test_images),
        )
        for name, scale in SCALES.items()
    )
