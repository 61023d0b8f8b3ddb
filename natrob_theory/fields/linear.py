"""The linear field f(t, y) = A y, whose Lipschitz constant is ‖A‖₂ exactly."""

from typing import final

from jaxtyping import Float
from torch import Tensor, nn


@final
class LinearField(nn.Module):
    """f(t, y) = A y on states of shape (batch, d), A of shape (d, d).

    K = ‖A‖₂ and μ = λ_max((A + Aᵀ)/2) (Dahlquist 1958), so every growth bound has a case here in closed form.

    Raises:
        ValueError: A is not a square matrix.
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
