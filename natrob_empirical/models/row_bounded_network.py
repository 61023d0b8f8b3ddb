"""Neural ODE classifiers for certificates in L∞, from their specifications."""

import math

import torch
from torch import nn

from natrob_empirical.models.classifiers import IntegratorClassifier
from natrob_empirical.models.contractive_networks import ADAPTIVE_TABLEAUS
from natrob_empirical.models.row_bounded_specification import RowBoundedSpecification
from natrob_theory import AutonomousField, ScaledField, StackedNeuralODE, constrain_norm


def build_row_bounded(
    specification: RowBoundedSpecification, image_shape: tuple[int, int, int], num_classes: int
) -> IntegratorClassifier:
    """The classifier, with weights as torch's current generator gives them.

    Weights of n inputs start with the deviation √(2π)/n, with which intervals keep their mean width through a layer and
    its ReLU.

    Raises:
        ValueError: an image with sides below 4.

    Source: Shi et al., "Fast certified robust training with short warmup", NeurIPS 2021, section 4.1, for the weights.
    """
    channels, *sides = image_shape
    if min(sides) < 4:
        raise ValueError(f"`image_shape` must have sides of at least 4, got {tuple(image_shape)}")
    width, entries = specification.channels, 2 * specification.channels * math.prod(side // 4 for side in sides)
    stem = nn.Sequential(
        nn.Conv2d(channels, width, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(entries, specification.features),
    )
    head = nn.Linear(specification.features, num_classes)
    for layer in (*stem, head):
        _keep_intervals(layer)
    trunk = StackedNeuralODE(
        [_field(specification) for _ in range(specification.num_steps)],
        specification.num_steps * specification.part_time,
        tableau=ADAPTIVE_TABLEAUS[specification.tableau],
        max_step_size=specification.max_step_size,
        rtol=specification.tolerance,
        atol=specification.tolerance,
    )
    return IntegratorClassifier(stem, trunk, nn.Flatten(), head)


def _field(specification: RowBoundedSpecification) -> ScaledField:
    """K·(W₂σ(W₁y + b₁) + b₂)."""
    first = nn.Linear(specification.features, specification.hidden)
    second = nn.Linear(specification.hidden, specification.features)
    for layer in (first, second):
        _keep_intervals(layer)
        constrain_norm(layer, method="rescaled", norm="Linf")
    return ScaledField(AutonomousField(nn.Sequential(first, nn.ReLU(), second)), specification.lipschitz)


@torch.no_grad()
def _keep_intervals(layer: nn.Module) -> None:
    if isinstance(layer, nn.Linear | nn.Conv2d):
        layer.weight.normal_(0.0, math.sqrt(2.0 * math.pi) / layer.weight[0].numel())
