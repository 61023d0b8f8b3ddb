"""Gram iteration: an upper bound of spectral norms that needs matrix products only.

‖W‖₂ = ‖(W*W)^{2^{k−1}}‖₂^{2^{−k}} ≤ ‖(W*W)^{2^{k−1}}‖_F^{2^{−k}} (Delattre et al., ICML 2023). The Frobenius norm is at
most √n times the spectral one, n the smaller dimension, so the bound exceeds ‖W‖₂ by the factor n^{2^{−k−1}} at most:
for n = 1024 by 3.4·10⁻³ at k = 10, 2.1·10⁻⁴ at k = 14 and 3.3·10⁻⁶ at k = 20; by less where the largest singular
value stands alone.
"""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from natrob_theory.numbers.argument_checks import require_count
from natrob_theory.numbers.powers_of_two import exponent_of_largest, times_power_of_two
from natrob_theory.numbers.rounding import EPSILON, raised_to_normal

GRAM_ITERATIONS = 14


def gram_norms_upper(
    matrices: Shaped[Tensor, "*stack rows columns"], *, iterations: int = GRAM_ITERATIONS
) -> Float[Tensor, " *stack"]:
    """‖M_i‖₂ of each matrix of a stack, real or complex, from above.

    Args:
        matrices: converted to double precision; the device is kept.
        iterations: k ≥ 1 squarings, each one batched matrix product.

    Returns:
        float64, rounded outward. ∞ where an entry is not finite.

    Proof: proofs/coq/gram_iteration.v, proofs/symbolic/gram_iteration.py.

    Rounding. Let G be the matrix in memory at some step, H = fl(G*G). With conventional products of length m,
    |H − G*G| ≤ γ|G*||G| entrywise (Higham, *Accuracy and Stability*, (3.13); complex: Lemma 3.5), so
    ‖H − G*G‖_F ≤ γ‖G‖_F² with γ = 4(m + 4)u, and therefore ‖G‖₂² = ‖G*G‖₂ ≤ ‖H‖₂ + γ‖G‖_F². Before each product G is
    divided by a power of two near its norm, which is exact; so the products neither overflow nor, but for entries
    below 2⁻⁵⁰⁰ of the largest, which γ covers, underflow. From ‖G_k‖₂ ≤ ‖G_k‖_F the inequality is unrolled backwards.
    An error thus enters relative to ‖G‖₂² ≥ ‖G‖_F²/n, as nγ at most, and every root above it halves it: squaring
    doubles an error, the root takes that back, and the sum over all steps stays below nγ.
    """
    require_count("iterations", iterations)
    double = matrices.detach().to(torch.complex128 if matrices.is_complex() else torch.float64)
    current = double.mH if double.shape[-2] < double.shape[-1] else double
    trail: list[tuple[Tensor, Tensor]] = []
    for _ in range(iterations):
        exponent = exponent_of_largest(current, (-2, -1))
        current = times_power_of_two(current, -exponent)
        trail.append((exponent[..., 0, 0], _product_error(current)))
        current = current.mH @ current
    norm = _frobenius_upper(current)
    for exponent, error in reversed(trail):
        norm = times_power_of_two(torch.sqrt((norm + error) * (1.0 + 4 * EPSILON)), exponent) * (1.0 + 2 * EPSILON)
    return torch.nan_to_num(raised_to_normal(norm), nan=torch.inf, posinf=torch.inf)


def _frobenius_upper(matrices: Tensor) -> Tensor:
    """‖M‖_F rounded outward: one rounding per entry at most, and a few more."""
    entries = matrices.shape[-2] * matrices.shape[-1]
    return torch.linalg.vector_norm(matrices, dim=(-2, -1)) * (1.0 + (entries + 4) * EPSILON)


def _product_error(matrices: Tensor) -> Tensor:
    """γ‖G‖_F², rounded outward."""
    gamma = 2.0 * (matrices.shape[-2] + 4) * EPSILON
    return gamma * _frobenius_upper(matrices) ** 2 * (1.0 + 4 * EPSILON)
