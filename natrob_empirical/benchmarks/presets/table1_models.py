"""The two models of Table 1 and of Figures 2 and 3, at every scale."""

from typing import Final

from natrob_empirical.benchmarks.presets.preset import PresetModel
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


SMOKE_MODELS: Final = _pair(
    _small_resnet(8),
    small_neural_ode(channels=8, stem_stride=2, pool_size=2),
    small_training(epochs=4),
    small_training(epochs=4, learning_rate=STIFF_LEARNING_RATE),
)
CPU_MODELS: Final = _pair(
    _small_resnet(16),
    small_neural_ode(channels=16, stem_stride=2, pool_size=7),
    small_training(epochs=2),
    small_training(epochs=4, learning_rate=STIFF_LEARNING_RATE),
)
GPU_MODELS: Final = _pair(
    RESNET_50,
    TABLE_A1_MNIST,
    small_training(epochs=5, fast=True),
    small_training(epochs=3, learning_rate=STIFF_LEARNING_RATE, fast=True),
)
GPU_CIFAR10_MODELS: Final = _pair(
    RESNET_50,
    TABLE_A1_CIFAR10,
    small_training(epochs=20, fast=True),
    small_training(epochs=3, learning_rate=STIFF_LEARNING_RATE, fast=True),
)
PAPER_MODELS: Final = _pair(RESNET_50, TABLE_A1_MNIST, HE_2016_MNIST)
PAPER_CIFAR10_MODELS: Final = _pair(RESNET_50, TABLE_A1_CIFAR10, HE_2016)

SMALL_TEXT: Final = "ResNet-50 and Table A1's Neural ODE (four convolutions, T = 100), narrower than the paper's"
"""Describes the models of the `smoke` and `cpu` presets."""
