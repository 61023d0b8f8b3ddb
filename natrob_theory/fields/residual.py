"""The residual branches of the networks under study: two layers with a 1-Lipschitz activation between.

Time does not enter, so K ≤ ‖W₂‖₂‖W₁‖₂ (the paper's (12)) holds for every t.
"""

from torch import nn

from natrob_theory.argument_checks import require_count
from natrob_theory.fields.autonomous import AutonomousField


def dense_field(features: int, hidden: int, *, activation: type[nn.Module] = nn.ReLU) -> AutonomousField:
    """f(t, y) = W₂ σ(W₁ y + b₁) + b₂ on states of shape (batch, features)."""
    require_count("features", features)
    require_count("hidden", hidden)
    return AutonomousField(
        nn.Sequential(nn.Linear(features, hidden), activation(), nn.Linear(hidden, features)),
    )


def convolutional_field(
    channels: int, hidden: int, *, kernel_size: int = 3, activation: type[nn.Module] = nn.ReLU
) -> AutonomousField:
    """The same with zero-padded convolutions, on states of shape (batch, channels, height, width).

    Raises:
        ValueError: `kernel_size` is even, so that no padding keeps the image's size.
    """
    require_count("channels", channels)
    require_count("hidden", hidden)
    if require_count("kernel_size", kernel_size) % 2 == 0:
        raise ValueError(f"`kernel_size` must be odd, got {kernel_size}")
    padding = kernel_size // 2
    return AutonomousField(
        nn.Sequential(
            nn.Conv2d(channels, hidden, kernel_size, padding=padding),
            activation(),
            nn.Conv2d(hidden, channels, kernel_size, padding=padding),
        ),
    )
