"""Hamiltonian fields with separate potentials, the fields that RevNet's coupling is made for."""

from typing import final

import torch
from torch import Tensor, nn

from natrob_theory.fields.combinations import ScaledField, require_module
from natrob_theory.fields.gradient_flow import GradientFlowField
from natrob_theory.fields.halves import split_halves
from natrob_theory.layers.answers import AbstractField
from natrob_theory.layers.questions import ball_field, lipschitz_of_layer, reach
from natrob_theory.layers.statements import BallField, OneSidedConstant, Shape, Structure
from natrob_theory.numbers.balls import Ball, BallMatrix, rows_of, stacked
from natrob_theory.numbers.norms import Norm


@final
class HamiltonianField(AbstractField):
    """(a, b)′ = (∇U(b), −∇V(a)) with convex U, V: J∇H for H(a, b) = V(a) + U(b), a and b the state's halves.

    ∇U(b) = W₁ᵀσ(W₁b + b₁) and −∇V(a) = −W₂ᵀσ(W₂a + b₂), so the two halves are gradient flows (see
    `GradientFlowField`), the first with its sign turned. `RevNet(field.pair, h, n)` integrates it by the symplectic
    Euler method; as a field of its own it fits every other network.

    Constants. For two states the difference of f is [[0, S₁], [−S₂, 0]](Δa, Δb), S_i = W_iᵀD_iW_i symmetric with
    0 ≤ S_i ≤ β_i = ‖W_i‖₂². So ‖Δf‖² = ‖S₁Δb‖² + ‖S₂Δa‖² ≤ max(β₁, β₂)²(‖Δa‖² + ‖Δb‖²): K ≤ max(β₁, β₂).
    The symmetric part is ½[[0, S₁ − S₂], [S₁ − S₂, 0]], whose eigenvalues are ± half those of S₁ − S₂. From
    −β₂ ≤ −S₂ ≤ S₁ − S₂ ≤ S₁ ≤ β₁ follows μ ≤ ½‖S₁ − S₂‖ ≤ ½max(β₁, β₂). It is attained where D₁ = 1 and D₂ = 0,
    so a Hamiltonian field is no μ = 0 field, although its flow keeps volume.

    Args:
        first: −∇U, a gradient flow on half the state.
        second: −∇V.

    Raises:
        TypeError: one of them is no GradientFlowField.

    Source: theory, section 3 (Hairer, Lubich, Wanner, *Geometric Numerical Integration*, VI.1).
    Proof: proofs/coq/hamiltonian_one_sided.v, proofs/symbolic/hamiltonian_one_sided.py.
    """

    def __init__(self, first: GradientFlowField, second: GradientFlowField) -> None:
        super().__init__()
        for name, part in (("first", first), ("second", second)):
            if not isinstance(require_module(name, part), GradientFlowField):
                raise TypeError(f"`{name}` must be a GradientFlowField, got {type(part).__name__}")
        self.first = first
        self.second = second

    @classmethod
    def dense(
        cls, features: int, hidden: int, *, activation: type[nn.Module] = nn.ReLU, bias: bool = True
    ) -> "HamiltonianField":
        """On states of shape (batch, 2·features)."""
        halves = [GradientFlowField.dense(features, hidden, activation=activation, bias=bias) for _ in range(2)]
        return cls(halves[0], halves[1])

    @classmethod
    def convolutional(
        cls,
        channels: int,
        hidden: int,
        *,
        kernel_size: int = 3,
        activation: type[nn.Module] = nn.ReLU,
        bias: bool = True,
    ) -> "HamiltonianField":
        """On states of shape (batch, 2·channels, height, width)."""
        halves = [
            GradientFlowField.convolutional(channels, hidden, kernel_size=kernel_size, activation=activation, bias=bias)
            for _ in range(2)
        ]
        return cls(halves[0], halves[1])

    @property
    def pair(self) -> tuple[ScaledField, GradientFlowField]:
        """(∇U, −∇V), the two fields of a RevNet; they share this field's parameters."""
        return ScaledField(self.first, -1.0), self.second

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        """dy/dt, of the state's shape (batch, 2c, *rest). Raises ValueError for an odd first axis."""
        a, b = split_halves(state)
        return torch.cat([-self.first(time, b), self.second(time, a)], dim=1)

    def lipschitz(self, input_shape: Shape) -> float:
        """The larger constant of the two halves."""
        half = _half_of(input_shape)
        return max(lipschitz_of_layer(part, half) for part in (self.first, self.second))

    def reach(self, norm: Norm, sizes: Tensor, input_shape: Shape) -> Tensor:
        """[[0, S₁], [S₂, 0]] with S_i ≥ |Jacobian| of a half, symmetric: its transpose exchanges them."""
        half, (a, b) = _half_of(input_shape), split_halves(sizes)
        upper, lower = (self.first, self.second) if norm == "Linf" else (self.second, self.first)
        return torch.cat([reach(upper, norm, b, half), reach(lower, norm, a, half)], dim=1)

    def one_sided(self, input_shape: Shape) -> OneSidedConstant:
        """½max(K₁, K₂): see the class."""
        return OneSidedConstant(0.5 * lipschitz_of_layer(self, input_shape), "Hamiltonian field: μ ≤ ½max(K₁, K₂)")

    def structure(self, input_shape: Shape) -> Structure:
        """Nothing: the constants come from the weights, whatever these are."""
        return Structure()

    def in_balls(self) -> BallField:
        """(−first(b), second(a))."""
        first, second = ball_field(self.first), ball_field(self.second)

        def coupled(time: Ball, state: BallMatrix) -> BallMatrix:
            half = state.nrows() // 2
            a, b = rows_of(state, 0, half), rows_of(state, half, 2 * half)
            return stacked(-first(time, b), second(time, a))

        return coupled


def _half_of(input_shape: Shape) -> Shape:
    """The shape of each half. Raises ValueError for an odd first axis."""
    if input_shape[0] % 2 == 1:
        raise ValueError(f"`input_shape` must have an even first axis for HamiltonianField, got {input_shape}")
    return (input_shape[0] // 2, *input_shape[1:])
