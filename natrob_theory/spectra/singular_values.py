"""Largest singular values, rounded outward: by decomposition or by Gram iteration, as is faster.

A computed singular value of an m×n matrix differs from the exact one by at most p(m, n)·u·σ_max, p a modest
polynomial (Anderson et al., *LAPACK Users' Guide*, section 4.9.1). `SVD_SAFETY`·(m + n)·u is taken for it.

Measured on one CPU core, float64: LAPACK's singular values take 0.16 ms for 64×64, 3.6 ms for 256×256, 0.26 s for
1024×1024 and 2.1 s for 2048×2048; 14 Gram iterations take 1.4 to 1.9 times as long at all these sizes, and 200 complex
64×64 matrices 4.3 times as long. So on a CPU the decomposition is used up to `CPU_EXACT_LIMIT`, beyond what was
measured. Elsewhere, where batches of products are the fast operation, it is used for small matrices only.
"""

import math

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from natrob_theory.numbers.powers_of_two import exponent_of_largest, times_power_of_two
from natrob_theory.numbers.rounding import EPSILON, raised_to_normal
from natrob_theory.spectra.gram import gram_norms_upper

SVD_SAFETY = 8.0
CPU_EXACT_LIMIT = 4096
ACCELERATOR_EXACT_LIMIT = 32
TALL_FROM = 64
"""Rows from which a wide matrix is transposed: 512×2048 in float64 takes 0.26 s, its transpose 0.05 s."""

POWER_STEPS = 4


def spectral_norms_upper(
    matrices: Shaped[Tensor, "*stack rows columns"], *, input_error: float = 0.0
) -> Float[Tensor, " *stack"]:
    """‖M_i‖₂ of each matrix of a stack, real or complex, in float64, rounded outward.

    Args:
        matrices: converted to double precision; the device is kept.
        input_error: bounds ‖computed M_i − exact M_i‖₂ relative to ‖computed M_i‖_F.

    Proof: proofs/coq/perturbed_norms.v (norm_with_error), given the decomposition's own error bound.
    """
    double, exponent = _near_one(_in_double(matrices))
    limit = CPU_EXACT_LIMIT if double.device.type == "cpu" else ACCELERATOR_EXACT_LIMIT
    if min(double.shape[-2:]) <= limit:
        relative = SVD_SAFETY * sum(double.shape[-2:]) * EPSILON
        largest = _largest_singular(double) * (1.0 + relative)
    else:
        largest = gram_norms_upper(double)
    if input_error != 0:
        entries = double.shape[-2] * double.shape[-1]
        largest = largest + input_error * torch.linalg.matrix_norm(double) * (1.0 + (entries + 4) * EPSILON)
    found = raised_to_normal(times_power_of_two(largest, exponent[..., 0, 0]))
    return torch.nan_to_num(found, nan=torch.inf, posinf=torch.inf)


def _largest_singular(double: Tensor) -> Tensor:
    """By decomposition; ∞ where an entry is not finite, which LAPACK would refuse or answer with NaN."""
    finite = torch.isfinite(double).flatten(-2).all(dim=-1)
    usable = torch.where(finite[..., None, None], double, 0.0)
    wide = TALL_FROM <= usable.shape[-2] < usable.shape[-1]
    return torch.where(finite, torch.linalg.svdvals(usable.mT if wide else usable)[..., 0], torch.inf)


def spectral_norms_lower(matrices: Float[Tensor, "stack rows columns"]) -> Float[Tensor, " stack"]:
    """At most ‖M_i‖₂ of each real matrix, rounded outward: ‖Mv‖/‖v‖ after a few power steps from the longest row.

    Each entry of a computed Mv errs by at most (n + 8)u|M||v|, so its length by that much ‖M‖_F‖v‖. 0 where an entry is
    not finite, and below the normal numbers.
    """
    double, exponent = _near_one(_in_double(matrices))
    rows, columns = double.shape[-2:]
    size = torch.linalg.matrix_norm(double)
    longest = torch.linalg.vector_norm(double, dim=2).argmax(dim=1)
    vector = _unit(double[torch.arange(len(double), device=double.device), longest][:, :, None])
    for _ in range(POWER_STEPS):
        vector = _unit(double.mT @ _unit(double @ vector))
    length = torch.linalg.vector_norm(vector, dim=(1, 2))
    quotient = torch.linalg.vector_norm(double @ vector, dim=(1, 2)) / length
    error = (rows + columns + 16) * EPSILON
    lower = quotient * (1.0 - error) - error * size
    found = times_power_of_two(torch.where((size < torch.inf) & (lower > 0.0), lower, 0.0), exponent[..., 0, 0])
    return torch.where((found < torch.inf) & (found >= torch.finfo(found.dtype).tiny), found, 0.0)


def _unit(vector: Tensor) -> Tensor:
    return nn.functional.normalize(vector, dim=1, eps=torch.finfo(vector.dtype).tiny)


def spectral_norm_upper(matrices: Shaped[Tensor, "*stack rows columns"], *, input_error: float = 0.0) -> float:
    """max ‖M_i‖₂ over a stack, rounded outward; `input_error` here is relative to the largest ‖M_i‖_F of the stack.

    Proof: proofs/coq/perturbed_norms.v (norm_with_error), given the decomposition's own error bound.
    """
    double, exponent = _near_one(_in_double(matrices), dim=tuple(range(matrices.dim())))
    largest = spectral_norms_upper(double).max()
    if input_error != 0:
        largest = largest + input_error * _largest_frobenius(double)
    found = float(raised_to_normal(times_power_of_two(largest, exponent.flatten()[0].to(largest.device))))
    return math.inf if math.isnan(found) else found  # 0·∞ and NaN entries bound nothing


def _near_one(double: Tensor, *, dim: tuple[int, ...] = (-2, -1)) -> tuple[Tensor, Tensor]:
    """The matrices over a power of two each, or over one for all, and its exponent: their squares are normal numbers.

    An entry that this makes subnormal was 2⁻¹⁰⁰⁰ of the largest, far below every other error.
    """
    exponent = exponent_of_largest(double, dim)
    return times_power_of_two(double, -exponent), exponent


def _largest_frobenius(double: Tensor) -> float:
    """The largest ‖M_i‖_F of a stack, rounded outward."""
    entries = double.shape[-2] * double.shape[-1]
    parts = torch.view_as_real(double.resolve_conj()).flatten(-2) if double.is_complex() else double
    return float(torch.linalg.vector_norm(parts, dim=(-2, -1)).max()) * (1.0 + (entries + 6) * EPSILON)


def _in_double(matrices: Tensor) -> Tensor:
    return matrices.detach().to(torch.complex128 if matrices.is_complex() else torch.float64)


def matrix_norm_upper(matrix: Float[Tensor, "rows columns"]) -> float:
    """‖W‖₂ of one matrix, rounded outward. Proof: proofs/coq/perturbed_norms.v (norm_with_error)."""
    return spectral_norm_upper(matrix)
