"""Gradient flows of convex potentials: fields under which no two solutions move apart."""

from typing import final

import torch
from torch import Tensor, nn

from natrob_theory.fields.linear_map import (
    LinearMap,
    apply_transpose,
    constant_weight,
    convolutional_map,
    dense_map,
    require_linear_map,
)
from natrob_theory.layers.activation_slopes import activation_slopes


@final
class GradientFlowField(nn.Module):
    """f(t, y) = −Wᵀσ(Wy + b) with σ nondecreasing and 1-Lipschitz: −∇ of the convex Σ_i ∫σ at (Wy + b)_i.

    For two states, f(z) − f(y) = −S(z − y) with S = WᵀDW, D the diagonal of the secant slopes of σ, all in [0, 1]. S
    is symmetric with 0 ≤ S ≤ ‖W‖₂². So μ ≤ 0 and K ≤ β = ‖W‖₂², and f is cocoercive:
    −⟨f(z) − f(y), z − y⟩ = ⟨We, DWe⟩ ≥ ‖DWe‖² ≥ ‖f(z) − f(y)‖²/β with e = z − y.

    Args:
        linear_map: W with b as its bias: an nn.Linear, or an nn.Conv2d that `require_linear_map` allows.
        activation: σ, an elementwise module whose slopes are registered with `natrob_theory.layers.activation_slopes`.

    Raises:
        TypeError, ValueError: naming the argument.
        ActivationRefusedError: the slopes of σ are not known.

    Source: theory, section 3 (Meunier et al., ICML 2022: convex potential layers).
    Proof: proofs/symbolic/gradient_flow.py, proofs/coq/gradient_flow.v.
    """

    def __init__(self, linear_map: LinearMap, activation: nn.Module) -> None:
        super().__init__()
        self.linear_map = require_linear_map("linear_map", linear_map)
        require_monotone(activation)
        self.activation = activation

    @classmethod
    def dense(
        cls, features: int, hidden: int, *, activation: type[nn.Module] = nn.ReLU, bias: bool = True
    ) -> "GradientFlowField":
        """On states of shape (batch, features), W of shape (hidden, features)."""
        return cls(dense_map(features, hidden, bias=bias), activation())

    @classmethod
    def convolutional(
        cls,
        channels: int,
        hidden: int,
        *,
        kernel_size: int = 3,
        activation: type[nn.Module] = nn.ReLU,
        bias: bool = True,
    ) -> "GradientFlowField":
        """On states of shape (batch, channels, height, width), W a zero-padded convolution."""
        return cls(convolutional_map(channels, hidden, kernel_size=kernel_size, bias=bias), activation())

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        """dy/dt, of the state's shape (batch, *state)."""
        with constant_weight(self.linear_map):
            return -apply_transpose(self.linear_map, self.activation(self.linear_map(state)))


def require_monotone(activation: nn.Module) -> float:
    """The largest slope of an activation whose slopes all lie in [0, 1], or ValueError."""
    line = torch.tensor([float("inf")], dtype=torch.float64, device="cpu")  # numbers even under torch.device("meta")
    slopes = activation_slopes(activation, -line, line)
    low, high = float(slopes.low), float(slopes.high)
    if low < 0 or high > 1:
        raise ValueError(
            f"`activation` must be nondecreasing and 1-Lipschitz, got {activation} with slopes from {low:g} to {high:g}"
        )
    return high
