"""Largest singular values of a matrix times a diagonal with zeros, rounded outward.

A column that is multiplied by 0 changes no norm, and singular values take time in proportion to the longer side and
the square of the shorter one: on a CPU, which decomposes one matrix after the other anyway, a sample's zero columns
are left out where that saves more than a call of its own costs. A sample's norm does not depend on the others.
"""

from jaxtyping import Float
from torch import Tensor

from natrob_theory.spectra.singular_values import spectral_norms_upper

WORTH_LEAVING_OUT = 1024
"""Entries from which on the decomposition takes longer than the selection."""

CALL = 2.0**18
"""What one call more costs, in the entries of the longer side times the shorter side's squared: that of 64×64."""


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
    batch, rows, columns = max(len(matrices), len(diagonal)), *matrices.shape[1:]
    stack, scales = matrices.expand(batch, -1, -1), diagonal.expand(batch, columns)
    counts = (scales != 0).sum(dim=1).tolist()
    most = _work(rows, columns) - CALL
    whole = [sample for sample, count in enumerate(counts) if count > 0 and _work(rows, count) >= most]
    if len(whole) == batch:
        return spectral_norms_upper(matrices * diagonal[:, None, :], input_error=input_error)
    norms = scales.new_zeros(batch)
    if whole:
        together = matrices if len(matrices) == 1 else matrices[whole]
        norms[whole] = spectral_norms_upper(together * scales[whole][:, None, :], input_error=input_error)
    for sample in set(range(batch)).difference(whole):
        if counts[sample] > 0:
            norms[sample] = _norm(stack[sample], scales[sample], input_error)
    return norms


def _work(rows: int, columns: int) -> float:
    return float(min(rows, columns) ** 2 * max(rows, columns))


def scaled_rows_norms_upper(
    diagonal: Float[Tensor, "diagonals scales"], matrices: Float[Tensor, "stack rows columns"], *, input_error: float
) -> Float[Tensor, " samples"]:
    """‖diag(d_i)·M_i‖₂ likewise. Proof: proofs/coq/perturbed_norms.v (norm_with_error), as above."""
    return scaled_columns_norms_upper(matrices.mT, diagonal, input_error=input_error)


def _norm(matrix: Tensor, scales: Tensor, input_error: float) -> Tensor:
    kept = (scales != 0).nonzero()[:, 0]
    return spectral_norms_upper(matrix[:, kept] * scales[kept], input_error=input_error)
