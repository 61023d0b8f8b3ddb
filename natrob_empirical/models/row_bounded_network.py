"""Neural ODE classifiers for certificates in L∞, from their specifications."""

import math

from torch import nn

from natrob_empirical.models.classifiers import IntegratorClassifier
from natrob_empirical.models.contractive_networks import ADAPTIVE_TABLEAUS
from natrob_empirical.models.interval_weights import weigh_for_intervals
from natrob_empirical.models.row_bounded_specification import RowBoundedSpecification
from natrob_theory import AutonomousField, ScaledField, StackedNeuralODE, constrain_norm


def build_row_bounded(
    specification: RowBoundedSpecification, image_shape: tuple[int, int, int], num_classes: int
) -> IntegratorClassifier:
    """The classifier, with weights for training by intervals (`weigh_for_intervals`) from torch's current generator.

    Raises:
        ValueError: an image with sides below 4.
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
    chains = [_two_layers(specification) for _ in range(specification.num_steps)]
    trunk = StackedNeuralODE(
        [ScaledField(AutonomousField(chain), specification.lipschitz) for chain in chains],
        specification.num_steps * specification.part_time,
        tableau=ADAPTIVE_TABLEAUS[specification.tableau],
        max_step_size=specification.max_step_size,
        rtol=specification.tolerance,
        atol=specification.tolerance,
    )
    classifier = IntegratorClassifier(stem, trunk, nn.Flatten(), head)
    weigh_for_intervals(classifier)
    for chain in chains:
        for layer in chain:
            if isinstance(layer, nn.Linear):
                constrain_norm(layer, method="rescaled", norm="Linf")
    return classifier


def _two_layers(specification: RowBoundedSpecification) -> nn.Sequential:
    """W₂σ(W₁y + b₁) + b₂, not yet constrained."""
    first = nn.Linear(specification.features, specification.hidden)
    return nn.Sequential(first, nn.ReLU(), nn.Linear(specification.hidden, specification.features))
