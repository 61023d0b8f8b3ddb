"""Fields that contract in L∞ by construction: −ρy plus two layers whose rows sum to less than ρ.

f(y) = −ρy + (ρ − m)(W₂σ(W₁y + b₁) + b₂) with rows of |W₂||W₁| that sum to at most 1 and slopes of σ in [−1, 1]. The
Jacobian is diagonally dominant by rows, with a negative diagonal: J_ii + Σ_{j≠i}|J_ij| ≤ −ρ + (ρ − m) = −m. So
μ_∞ ≤ −m, distances along the exact flow shrink like e^{−mt} in L∞, and Euler's method has G ≤ 1 − hm for hρ ≤ 1,
backward Euler's G ≤ 1/(1 + hm) for every h.

The weights are trained end to end: each is a differentiable function of free parameters (`constrain_norm`). With
norm="L1" columns take the place of rows.

Source: theory, sections 1 and 8.
Proof: proofs/symbolic/maximum_norm_growth.py, proofs/symbolic/row_and_column_norms.py.
"""

from torch import nn

from natrob_theory.fields.autonomous import AutonomousField
from natrob_theory.fields.combinations import ScaledField
from natrob_theory.fields.dissipative import DissipativeField
from natrob_theory.fields.linear_map import convolutional_map, dense_map
from natrob_theory.norm_constraints.constrain import constrain_norm
from natrob_theory.numbers.argument_checks import require_nonnegative, require_positive
from natrob_theory.numbers.norms import Norm


def diagonally_dominant_field(
    features: int,
    hidden: int,
    *,
    rate: float = 1.0,
    margin: float = 0.0,
    activation: type[nn.Module] = nn.ReLU,
    norm: Norm = "Linf",
) -> DissipativeField:
    """On states of shape (batch, features): μ ≤ −margin in L∞ (or L1), whatever its parameters are.

    Args:
        features: of the state.
        hidden: units between the two layers.
        rate: ρ > 0, the damping.
        margin: m, from 0 to ρ.
        activation: σ, with slopes in [−1, 1].
        norm: "Linf" or "L1".

    Raises:
        TypeError, ValueError: naming the argument.

    Proof: proofs/symbolic/maximum_norm_growth.py, proofs/symbolic/row_and_column_norms.py.
    """
    maps = dense_map(features, hidden, bias=True), dense_map(hidden, features, bias=True)
    return _damped(constrain_norm(maps[0], method="rescaled", norm=norm), activation(),
                   constrain_norm(maps[1], method="rescaled", norm=norm), rate=rate, margin=margin)  # fmt: skip


def diagonally_dominant_convolutional_field(
    channels: int,
    hidden: int,
    *,
    kernel_size: int = 3,
    rate: float = 1.0,
    margin: float = 0.0,
    activation: type[nn.Module] = nn.ReLU,
    norm: Norm = "Linf",
) -> DissipativeField:
    """On states of shape (batch, channels, height, width), of every size: μ ≤ −margin in L∞ (or L1).

    Args:
        channels: of the state.
        hidden: channels between the two zero-padded convolutions.
        kernel_size: odd.
        rate, margin, activation, norm: as for `diagonally_dominant_field`.

    Raises:
        TypeError, ValueError: naming the argument.

    Proof: proofs/symbolic/maximum_norm_growth.py, proofs/symbolic/row_and_column_norms.py.
    """
    first = convolutional_map(channels, hidden, kernel_size=kernel_size, bias=True)
    last = convolutional_map(hidden, channels, kernel_size=kernel_size, bias=True)
    return _damped(constrain_norm(first, method="rescaled", norm=norm), activation(),
                   constrain_norm(last, method="rescaled", norm=norm), rate=rate, margin=margin)  # fmt: skip


def _damped(
    first: nn.Module, activation: nn.Module, last: nn.Module, *, rate: float, margin: float
) -> DissipativeField:
    """−ρy + (ρ − m)·chain."""
    rate, margin = require_positive("rate", rate), require_nonnegative("margin", margin)
    if margin > rate:
        raise ValueError(f"`margin` must be at most `rate` = {rate:g}, got {margin:g}")
    return DissipativeField(ScaledField(AutonomousField(nn.Sequential(first, activation, last)), rate - margin), rate)
