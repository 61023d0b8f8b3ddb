"""Largest singular values of a matrix times a diagonal with zeros, rounded outward.

A column that is multiplied by 0 changes no norm, and singular values take time in proportion to the square of the
shorter side: on a CPU, which decomposes one matrix after the other anyway, each sample's zero columns are left out.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.spectra.singular_values import spectral_norms_upper

WORTH_LEAVING_OUT = 1024
"""Entries from which on the decomposition takes longer than the selection."""


def scaled_columns_norms_upper(
    matrices: Float[Tensor, "stack rows columns"], diagonal: Float[Tensor, "diagonals scales"], *, input_error: float
) -> Float[Tensor, " samples"]:
    """‖M_i·diag(d_i)‖₂ per sample; one matrix, one diagonal or one scale may stand for all.

    Args:
        matrices: the M_i.
        diagonal: the d_i.
        input_error: as for `spectral_norms_upper`.

    Proof: proofs/coq/perturbed_norms.v (norm_with_error), given the decomposition's own error bound.
    """
    if matrices.device.type != "cpu" or matrices[0].numel() < WORTH_LEAVING_OUT:
        return spectral_norms_upper(matrices * diagonal[:, None, :], input_error=input_error)
    batch = max(len(matrices), len(diagonal))
    stack, scales = matrices.expand(batch, -1, -1), diagonal.expand(batch, matrices.shape[2])
    return torch.stack([_norm(matrix, row, input_error) for matrix, row in zip(stack, scales, strict=True)])


def scaled_rows_norms_upper(
    diagonal: Float[Tensor, "diagonals scales"], matrices: Float[Tensor, "stack rows columns"], *, input_error: float
) -> Float[Tensor, " samples"]:
    """‖diag(d_i)·M_i‖₂ likewise. Proof: proofs/coq/perturbed_norms.v (norm_with_error), as above."""
    return scaled_columns_norms_upper(matrices.mT, diagonal, input_error=input_error)


def _norm(matrix: Tensor, scales: Tensor, input_error: float) -> Tensor:
    kept = (scales != 0).nonzero()[:, 0]
    if len(kept) == 0:
        return scales.new_zeros(())
    return spectral_norms_upper(matrix[:, kept] * scales[kept], input_error=input_error)
