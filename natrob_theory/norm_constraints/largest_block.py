"""Which matrix of a stack has the largest spectral norm, without decomposing them all."""

import torch
from jaxtyping import Shaped
from torch import Tensor

POWER_ITERATIONS = 3
TOLERANCE = 8.0
"""Other blocks may exceed the chosen one's squared norm by so many units in the last place, relatively."""


@torch.no_grad()
def largest_block(matrices: Shaped[Tensor, "stack rows columns"]) -> int:
    """The index of a matrix whose norm is the largest, up to a few roundings.

    A few steps of power iteration on M*M choose a candidate, whose largest eigenvalue λ is computed. The others' are
    smaller where λ − M*M has a Cholesky factor, for a ninth of the operations of an eigenvalue. Only where one has none
    its own largest eigenvalue is computed, so a bad candidate costs time and nothing else.
    """
    tall = matrices if matrices.shape[-2] >= matrices.shape[-1] else matrices.mH
    squares = tall.mH @ tall
    candidate = int(_rough_norms(squares).argmax())
    largest = torch.linalg.eigvalsh(squares[candidate])[-1]
    reserve = 1.0 + TOLERANCE * torch.finfo(squares.dtype).eps
    shifted = torch.eye(squares.shape[-1], dtype=squares.dtype, device=squares.device) * largest * reserve - squares
    failed = torch.linalg.cholesky_ex(shifted).info.nonzero().flatten()
    if len(failed) == 0:
        return candidate
    values = torch.linalg.eigvalsh(squares[failed])[:, -1]
    best = int(values.argmax())
    return int(failed[best]) if bool(values[best] > largest) else candidate


def _rough_norms(squares: Tensor) -> Tensor:
    """Lower bounds of the largest eigenvalues, squared, by power iteration from each matrix's longest column."""
    lengths = _squared_lengths(squares.mT)  # a Hermitian matrix: its rows are as long as its columns
    start = lengths.argmax(dim=-1)
    vector = squares.gather(-1, start[:, None, None].expand(-1, squares.shape[-2], 1))
    smallest = torch.finfo(squares.dtype).tiny
    for _ in range(POWER_ITERATIONS):
        vector = squares @ (vector / _squared_lengths(vector.mT)[..., None].clamp_min(smallest).sqrt())
    return _squared_lengths(vector.mT)[:, 0]


def _squared_lengths(rows: Shaped[Tensor, "stack rows columns"]) -> Tensor:
    """‖row‖² of each row; for complex numbers several times as fast as a norm."""
    real = torch.view_as_real(rows.resolve_conj()).flatten(-2) if rows.is_complex() else rows
    return real.square().sum(dim=-1)
