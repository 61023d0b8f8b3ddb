"""Gradient flows of convex potentials: fields under which no two solutions move apart."""

from typing import final

import torch
from torch import Tensor, nn

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
from natrob_theory.layers.answers import AbstractField, asked
from natrob_theory.layers.matrices import linear_map as map_of_matrix
from natrob_theory.layers.operators import ConvolutionOperator, Operation, TransposedConvolutionOperator
from natrob_theory.layers.questions import (
    activation_slopes,
    ball_field,
    evaluated,
    layer_pieces,
    lipschitz_of_layer,
    reach,
)
from natrob_theory.layers.refusal import LayerRefusedError
from natrob_theory.layers.statements import (
    Activation,
    Affine,
    AffineMap,
    BallField,
    Evaluated,
    OneSidedConstant,
    Piece,
    Shape,
    Structure,
)
from natrob_theory.layers.two_layer_rows import ConvolutionPair, DensePair, largest_row_sum, slopes_on_the_line
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import product_up, times_up


@final
class GradientFlowField(AbstractField):
    """f(t, y) = −Wᵀσ(Wy + b) with σ nondecreasing and 1-Lipschitz: −∇ of the convex Σ_i ∫σ at (Wy + b)_i.

    For two states, f(z) − f(y) = −S(z − y) with S = WᵀDW, D the diagonal of the secant slopes of σ, all in [0, 1]. S
    is symmetric with 0 ≤ S ≤ ‖W‖₂². So μ ≤ 0 and K ≤ β = ‖W‖₂², and f is cocoercive:
    −⟨f(z) − f(y), z − y⟩ = ⟨We, DWe⟩ ≥ ‖DWe‖² ≥ ‖f(z) − f(y)‖²/β with e = z − y.

    Args:
        linear_map: W with b as its bias: an nn.Linear, or an nn.Conv2d that `require_linear_map` allows.
        activation: σ, an elementwise module whose slopes are registered with `natrob_theory.activation_slopes`.

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

    def lipschitz(self, input_shape: Shape) -> float:
        """The largest slope of σ times ‖W‖₂². Raises LayerRefusedError where a part is not what the class says."""
        self._require_parts()
        norm = lipschitz_of_layer(self.linear_map, input_shape)
        return product_up(require_monotone(self.activation), norm, norm)

    def _require_parts(self) -> None:
        require_linear_map("linear_map", self.linear_map)
        altered = asked(self.activation, "slopes")[1]
        if altered:
            raise LayerRefusedError(
                f"no Lipschitz upper bound is known for {type(self.activation).__name__} with {altered}"
            )

    def reach(self, norm: Norm, sizes: Tensor, input_shape: Shape) -> Tensor:
        """|Wᵀ|D|W|, D the largest slope: symmetric, so the same in L∞ and L1."""
        self._require_parts()
        inner = reach(self.linear_map, "Linf", sizes, input_shape)
        return reach(self.linear_map, "L1", times_up(inner, require_monotone(self.activation)), input_shape)

    def one_sided_in(self, norm: Norm, input_shape: Shape) -> OneSidedConstant:
        """The largest row of −WᵀDW, unit by unit; positive in general."""
        by_norms = super().one_sided_in(norm, input_shape)
        if norm == "L2":
            return by_norms
        weight = self.linear_map.weight.detach().double()
        dense = isinstance(self.linear_map, nn.Linear)
        pair = DensePair(weight, -weight.t()) if dense else ConvolutionPair(weight, -weight)
        value = largest_row_sum(pair, slopes_on_the_line(self.activation), norm, input_shape)
        return min(OneSidedConstant(value, "rows of the Jacobians −WᵀDW of a gradient flow"), by_norms)

    def one_sided(self, input_shape: Shape) -> OneSidedConstant:
        """−⟨We, DWe⟩ ≤ 0; the Lipschitz constant checks that the parts are still what they were."""
        lipschitz_of_layer(self, input_shape)
        return OneSidedConstant(0.0, "gradient flow of a convex potential: μ ≤ 0")

    def is_gradient_flow(self) -> bool:
        """By construction."""
        return True

    def structure(self, input_shape: Shape) -> Structure:
        """Symmetric, and −⟨v, WᵀDWv⟩ ≤ 0."""
        return Structure(symmetric=True, one_sided=0.0)

    def pieces(self, input_shape: Shape) -> list[Piece]:
        """W, σ and −Wᵀ, where W fits in a matrix."""
        lipschitz_of_layer(self, input_shape)
        inner = layer_pieces(self.linear_map, input_shape)[0]
        if not isinstance(inner, AffineMap):
            return super().pieces(input_shape)
        return [inner, Activation(self.activation), map_of_matrix(-inner.matrix.T, entry_error=0.0)]

    def operations(self, input_shape: Shape) -> list[Operation] | None:
        """W, σ and −Wᵀ of a convolution."""
        if not isinstance(self.linear_map, nn.Conv2d):
            return super().operations(input_shape)
        windows = same_size_windows(self.linear_map, input_shape)
        weight = self.linear_map.weight.detach()
        inner = ConvolutionOperator(windows, weight, self.linear_map.bias)
        return [inner, Activation(self.activation), TransposedConvolutionOperator(windows, -weight, None)]

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """Wᵀ has the norm and the inner products of W, exchanged."""
        chain = nn.Sequential(self.linear_map, self.activation)
        inner = evaluated(chain, input_shape, Evaluated(norm, 0.0 * norm), unit)
        outer = lipschitz_of_layer(self.linear_map, input_shape)
        transposed = self.linear_map.weight.transpose(0, 1)
        return (outer * inner.error + matrix_error(transposed, None, inner.norm + inner.error, unit)) * RELATIVE

    def in_balls(self) -> BallField:
        """−Wᵀσ(Wy + b)."""
        inner, activation = ball_field(self.linear_map), ball_field(self.activation)
        transpose = -ball_matrix(self, self.linear_map).transpose()
        return lambda time, state: transpose * activation(time, inner(time, state))


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
