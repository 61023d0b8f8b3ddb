"""Largest singular values, rounded outward.

A computed singular value of an m×n matrix differs from the exact one by at most p(m, n)·u·σ_max, p a modest
polynomial (Anderson et al., *LAPACK Users' Guide*, section 4.9.1). `SVD_SAFETY`·(m + n)·u is taken for it.
"""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from natrob_theory.rounding import EPSILON

SVD_SAFETY = 8.0


def spectral_norm_upper(matrices: Shaped[Tensor, "*stack rows columns"], *, input_error: float = 0.0) -> float:
    """max ‖M_i‖₂ over a stack of real or complex matrices, in float64, rounded outward.

    `input_error` bounds ‖computed M_i − exact M_i‖₂ relative to the largest ‖M_i‖_F of the stack.
    """
    double = matrices.to(torch.complex128 if matrices.is_complex() else torch.float64)
    largest = float(torch.linalg.svdvals(double)[..., 0].max())
    relative = SVD_SAFETY * sum(double.shape[-2:]) * EPSILON
    frobenius = float(torch.linalg.matrix_norm(double).max())
    return largest * (1.0 + relative) + input_error * frobenius


def matrix_norm_upper(matrix: Float[Tensor, "rows columns"]) -> float:
    """‖W‖₂ of one matrix, rounded outward."""
    return spectral_norm_upper(matrix.detach())
