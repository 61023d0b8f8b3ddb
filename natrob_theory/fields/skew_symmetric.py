"""The skew-symmetric field: an honest μ = 0, the case that separates small steps from large ones."""

from typing import final

from torch import Tensor, nn

from natrob_theory.fields.linear_map import (
    LinearMap,
    apply_transpose,
    constant_weight,
    convolutional_map,
    dense_map,
    require_linear_map,
)


@final
class SkewSymmetricField(nn.Module):
    """f(t, y) = Ay − Aᵀy: ⟨f(z) − f(y), z − y⟩ = 0 for all states, so μ = 0; K = ‖A − Aᵀ‖₂.

    The exact flow keeps every distance; n steps of Euler's method stretch by up to (1 + h²K²)^{n/2}.

    There is no nonlinear field of this kind: with ⟨f(z) − f(y), z − y⟩ = 0 for all states the flow keeps all distances,
    and every isometry of Euclidean space is affine, hence so is f. In particular Aσ(·) with a skew A has in general
    μ > 0. For a nonlinear field with μ ≤ 0 add a `GradientFlowField` (`SumField`); a nonlinear field whose flow keeps
    volume is `HamiltonianField`, whose μ is positive.

    Args:
        linear_map: A, an nn.Linear or an allowed nn.Conv2d without bias that keeps the state's shape.

    Raises:
        TypeError, ValueError: naming the argument.

    Source: theory, section 3.
    Proof: proofs/coq/skew_fields.v, proofs/symbolic/skew_symmetric_euler.py,
        proofs/symbolic/skew_fields_are_affine.py.
    """

    def __init__(self, linear_map: LinearMap) -> None:
        super().__init__()
        self.linear_map = require_linear_map("linear_map", linear_map)
        outputs, inputs = linear_map.weight.shape[:2]
        if outputs != inputs or linear_map.bias is not None:
            raise ValueError(f"`linear_map` must keep the state's shape and have no bias, got {linear_map}")

    @classmethod
    def dense(cls, features: int) -> "SkewSymmetricField":
        """On states of shape (batch, features)."""
        return cls(dense_map(features, features, bias=False))

    @classmethod
    def convolutional(cls, channels: int, *, kernel_size: int = 3) -> "SkewSymmetricField":
        """On states of shape (batch, channels, height, width), A a zero-padded convolution."""
        return cls(convolutional_map(channels, channels, kernel_size=kernel_size, bias=False))

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        """dy/dt, of the state's shape (batch, *state)."""
        with constant_weight(self.linear_map):
            return self.linear_map(state) - apply_transpose(self.linear_map, state)
