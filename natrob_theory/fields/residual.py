"""The residual branches of the networks under study: layers with a 1-Lipschitz activation between.

Time does not enter, so K ≤ Π‖W_l‖₂ (the paper's (12)) holds for every t.
"""

from itertools import pairwise

from torch import nn

from natrob_theory.fields.autonomous import AutonomousField
from natrob_theory.numbers.argument_checks import require_count


def dense_field(features: int, hidden: int, *, activation: type[nn.Module] = nn.ReLU) -> AutonomousField:
    """f(t, y) = W₂ σ(W₁ y + b₁) + b₂ on states of shape (batch, features)."""
    require_count("features", features)
    require_count("hidden", hidden)
    return AutonomousField(
        nn.Sequential(nn.Linear(features, hidden), activation(), nn.Linear(hidden, features)),
    )


def convolutional_field(
    channels: int,
    hidden: int,
    *,
    convolutions: int = 2,
    kernel_size: int = 3,
    activation: type[nn.Module] = nn.ReLU,
) -> AutonomousField:
    """f of zero-padded convolutions with activations between, on states of shape (batch, channels, height, width).

    Args:
        channels: of the state.
        hidden: channels between the convolutions.
        convolutions: how many, at least 2: channels → hidden → … → hidden → channels.
        kernel_size: odd.
        activation: between the convolutions, 1-Lipschitz.

    Raises:
        ValueError: `kernel_size` is even, so that no padding keeps the image's size; a count that is too small.
    """
    require_count("channels", channels)
    require_count("hidden", hidden)
    require_count("convolutions", convolutions, minimum=2)
    if require_count("kernel_size", kernel_size) % 2 == 0:
        raise ValueError(f"`kernel_size` must be odd, got {kernel_size}")
    widths = [channels, *[hidden] * (convolutions - 1), channels]
    layers: list[nn.Module] = []
    for width, next_width in pairwise(widths):
        layers += [nn.Conv2d(width, next_width, kernel_size, padding=kernel_size // 2), activation()]
    return AutonomousField(nn.Sequential(*layers[:-1]))
