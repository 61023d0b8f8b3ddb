"""The skew-symmetric field: an honest μ = 0, the case that separates small steps from large ones."""

from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

from natrob_theory.fields.linear_map import (
    LinearMap,
    apply_transpose,
    ball_matrix,
    constant_weight,
    convolutional_map,
    dense_map,
    require_linear_map,
    same_size_windows,
)
from natrob_theory.layers.affine import RELATIVE, matrix_error
from natrob_theory.layers.answers import AbstractField
from natrob_theory.layers.entry_sums import absolute, reach_through
from natrob_theory.layers.linear import dense_reach
from natrob_theory.layers.matrices import linear_map as map_of_matrix
from natrob_theory.layers.operators import ConvolutionOperator, Operation
from natrob_theory.layers.questions import layer_pieces, lipschitz_of_layer, reach
from natrob_theory.layers.statements import (
    Affine,
    AffineMap,
    BallField,
    CentredConstants,
    OneSidedConstant,
    Piece,
    Shape,
    Structure,
)
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import EPSILON, round_up
from natrob_theory.spectra.singular_values import matrix_norm_upper
from natrob_theory.spectra.torus_convolution import torus_norm_upper


@final
class SkewSymmetricField(AbstractField):
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

    def lipschitz(self, input_shape: Shape) -> float:
        """‖A − Aᵀ‖₂. The subtraction is off by at most u in each entry, and the sum of |entries| bounds either norm.

        Proof: proofs/symbolic/transposed_convolution.py for the kernel of A − Aᵀ.
        """
        lipschitz_of_layer(self.linear_map, input_shape)  # refuses a state that does not fit and an altered layer
        weight = self.linear_map.weight.detach().double()
        if isinstance(self.linear_map, nn.Linear):
            skew = weight - weight.t()
            norm = matrix_norm_upper(skew)
        else:
            require_linear_map("linear_map", self.linear_map)
            skew = skew_kernel(weight)
            grid = [size + taps - 1 for size, taps in zip(input_shape[1:], skew.shape[2:], strict=True)]
            norm = torus_norm_upper(skew, grid=grid, stride=(1, 1))
        return norm + EPSILON * float(skew.abs().sum())

    def reach(self, norm: Norm, sizes: Tensor, input_shape: Shape) -> Tensor:
        """|A − Aᵀ|a, whose transpose is itself; the difference of two weights is rounded once."""
        reach(self.linear_map, norm, sizes, input_shape)  # refuses a state that does not fit and an altered layer
        require_linear_map("linear_map", self.linear_map)
        weight = self.linear_map.weight.detach().double()
        if isinstance(self.linear_map, nn.Linear):
            return round_up(dense_reach(weight - weight.t(), norm, sizes, input_shape), 1)
        kernel, padding = absolute(skew_kernel(weight)), tuple(taps // 2 for taps in self.linear_map.kernel_size)
        terms = kernel[0].numel() + 1
        return reach_through(
            lambda some: functional.conv2d(some.to(kernel), kernel, padding=padding),
            norm,
            sizes,
            input_shape,
            terms=terms,
        )

    def one_sided(self, input_shape: Shape) -> OneSidedConstant:
        """0, of the field and of every multiple."""
        lipschitz_of_layer(self, input_shape)
        return OneSidedConstant(0.0, "skew-symmetric field: μ = 0")

    def structure(self, input_shape: Shape) -> Structure:
        """Skew-symmetric."""
        return Structure(skew_symmetric=True, one_sided=0.0)

    def centred(self, input_shape: Shape) -> CentredConstants:
        """All of it is the skew part."""
        return CentredConstants(0.0, lipschitz_of_layer(self, input_shape), 0.0)

    def pieces(self, input_shape: Shape) -> list[Piece]:
        """A − Aᵀ, where it fits in a matrix."""
        lipschitz_of_layer(self, input_shape)
        inner = layer_pieces(self.linear_map, input_shape)[0]
        if not isinstance(inner, AffineMap):
            return super().pieces(input_shape)
        return [map_of_matrix(inner.matrix - inner.matrix.T, entry_error=EPSILON)]

    def operations(self, input_shape: Shape) -> list[Operation] | None:
        """The convolution with the kernel of A − Aᵀ."""
        if not isinstance(self.linear_map, nn.Conv2d):
            return super().operations(input_shape)
        windows = same_size_windows(self.linear_map, input_shape)
        kernel = skew_kernel(self.linear_map.weight.detach().double())
        return [ConvolutionOperator(windows, kernel, None, entry_error=EPSILON)]

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """Two products and a difference."""
        weight = self.linear_map.weight
        both = matrix_error(weight, None, norm, unit) + matrix_error(weight.transpose(0, 1), None, norm, unit)
        outer = lipschitz_of_layer(self.linear_map, input_shape)
        return (both * (1.0 + unit) + 2 * unit * outer * norm) * RELATIVE

    def in_balls(self) -> BallField:
        """(A − Aᵀ)y, the difference exact."""
        matrix = ball_matrix(self, self.linear_map)
        return lambda _time, state: matrix * state - matrix.transpose() * state


def skew_kernel(kernel: Tensor) -> Tensor:
    """The kernel of A − Aᵀ: the transposed convolution has the flipped kernel with its channels exchanged."""
    return kernel - torch.flip(kernel, dims=(2, 3)).transpose(0, 1)
