"""The linear field f(t, y) = A y, whose Lipschitz constant is ‖A‖₂ exactly."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.layers.affine import matrix_error
from natrob_theory.layers.answers import AbstractField
from natrob_theory.layers.linear import dense_reach, logarithmic_norm_of_matrix, one_sided_of_matrix
from natrob_theory.layers.matrices import exact_map
from natrob_theory.layers.questions import lipschitz_of_layer
from natrob_theory.layers.statements import Affine, BallField, OneSidedConstant, Piece, Shape, Structure
from natrob_theory.numbers.balls import exact_matrix
from natrob_theory.numbers.norms import Norm
from natrob_theory.spectra.singular_values import matrix_norm_upper


@final
class LinearField(AbstractField):
    """f(t, y) = A y on states of shape (batch, d), A of shape (d, d).

    K = ‖A‖₂ and μ = λ_max((A + Aᵀ)/2) (Dahlquist 1958), so every growth bound has a case here in closed form.

    Raises:
        ValueError: A is not a square matrix.

    Proof: proofs/coq/one_sided.v, proofs/coq/perturbed_norms.v.
    """

    def __init__(self, matrix: Float[Tensor, "d1 d2"]) -> None:
        super().__init__()
        if matrix.shape[0] != matrix.shape[1]:
            raise ValueError(f"`matrix` must be square, got shape {tuple(matrix.shape)}")
        self.matrix = nn.Parameter(matrix)

    def forward(self, time: Tensor, state: Float[Tensor, "batch *d"]) -> Float[Tensor, "batch *d"]:
        """A y for each sample. Raises ValueError if the states are not of shape (batch, d)."""
        if state.shape[1:] != self.matrix.shape[1:]:
            raise ValueError(f"`state` must have shape (batch, {len(self.matrix)}), got {tuple(state.shape)}")
        return state @ self.matrix.T

    def lipschitz(self, input_shape: Shape) -> float:
        """‖A‖₂."""
        return matrix_norm_upper(self.matrix)

    def one_sided(self, input_shape: Shape) -> OneSidedConstant:
        """λ_max((A + Aᵀ)/2)."""
        lipschitz_of_layer(self, input_shape)
        return one_sided_of_matrix(self.matrix)

    def reach(self, norm: Norm, sizes: Tensor, input_shape: Shape) -> Tensor:
        """|A|a, |A|ᵀb."""
        return dense_reach(self.matrix, norm, sizes, input_shape)

    def one_sided_in(self, norm: Norm, input_shape: Shape) -> OneSidedConstant:
        """The logarithmic norm of A: exact up to rounding."""
        if norm == "L2":
            return super().one_sided_in(norm, input_shape)
        return logarithmic_norm_of_matrix(self.matrix, norm)

    def is_gradient_flow(self) -> bool:
        """Ay = −∇(−½⟨y, Ay⟩) for a symmetric A ≤ 0; only a diagonal A is looked at, whose signs no rounding blurs."""
        matrix = self.matrix.detach()
        return torch.equal(matrix, torch.diag(matrix.diagonal())) and bool((matrix.diagonal() <= 0).all())

    def structure(self, input_shape: Shape) -> Structure:
        """Nothing: the constants come from the matrix, whatever it is."""
        return Structure()

    def pieces(self, input_shape: Shape) -> list[Piece]:
        """A."""
        return [exact_map(self.matrix, None)]

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """Inner products over the state."""
        return matrix_error(self.matrix, None, norm, unit)

    def in_balls(self) -> BallField:
        """Ay."""
        weight = exact_matrix(self.matrix)
        return lambda _time, state: weight * state
