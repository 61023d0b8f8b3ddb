"""The largest eigenvalue of symmetric matrices, rounded outward.

`eigvalsh` returns the exact eigenvalues of a matrix within p(n)·u·‖M‖₂ of M, p a modest polynomial (Anderson et al.,
*LAPACK Users' Guide*, section 4.7.1), so by Weyl's inequality each is off by at most that much.
`EIGENVALUE_SAFETY`·n·u·‖M‖_F is taken for it.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.numbers.powers_of_two import exponent_of_largest, times_power_of_two
from natrob_theory.numbers.rounding import EPSILON

EIGENVALUE_SAFETY = 8.0


def largest_eigenvalue_upper(
    matrices: Float[Tensor, "*stack size size"], *, input_error: Float[Tensor, "*stack"]
) -> Float[Tensor, "*stack"]:
    """λ_max of (M + Mᵀ)/2 for each M, in float64, rounded outward.

    `input_error` bounds ‖computed M − exact M‖₂, absolutely, for each M. ∞ where an entry is not finite.

    Proof: proofs/coq/perturbed_norms.v (one_sided_with_error), given the decomposition's own error bound.
    """
    finite = torch.isfinite(matrices).all(dim=-1).all(dim=-1)
    usable = torch.where(finite[..., None, None], matrices, 0.0)
    exponent = exponent_of_largest(usable, (-2, -1))
    scaled = times_power_of_two(usable, -exponent)
    symmetric = (scaled + scaled.mT) / 2
    size = torch.linalg.matrix_norm(symmetric)
    largest = torch.linalg.eigvalsh(symmetric)[..., -1] + EIGENVALUE_SAFETY * symmetric.shape[-1] * EPSILON * size
    subnormal = torch.where(size > 0, torch.finfo(size.dtype).tiny, 0.0)
    found = times_power_of_two(largest, exponent[..., 0, 0]) + subnormal + input_error
    return torch.nan_to_num(torch.where(finite, found, torch.inf), nan=torch.inf, posinf=torch.inf)


def product_error(inner: int, *norms: Tensor | float) -> Tensor:
    """Bounds what rounding may have done to a product of matrices with inner dimension `inner`, in ‖·‖₂.

    `norms` are the Frobenius norms of the factors, or bounds of the entries of diagonal ones: the entrywise error is
    at most γ_n|A||D||B|, n = inner + 4 (Higham, *Accuracy and Stability of Numerical Algorithms*, (3.13)), and where
    products underflow the smallest normal number for each.
    """
    product = torch.ones((), dtype=torch.float64)
    for norm in norms:
        product = product * norm
    return (inner + 4) * (EPSILON * product + torch.finfo(product.dtype).tiny)
