"""The largest eigenvalue of symmetric matrices, rounded outward.

`eigvalsh` returns the exact eigenvalues of a matrix within p(n)·u·‖M‖₂ of M, p a modest polynomial (Anderson et al.,
*LAPACK Users' Guide*, section 4.7.1), so by Weyl's inequality each is off by at most that much.
`EIGENVALUE_SAFETY`·n·u·‖M‖_F is taken for it.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.rounding import EPSILON

EIGENVALUE_SAFETY = 8.0


def largest_eigenvalue_upper(
    matrices: Float[Tensor, "*stack size size"], *, input_error: Float[Tensor, "*stack"]
) -> Float[Tensor, "*stack"]:
    """λ_max of (M + Mᵀ)/2 for each M, in float64, rounded outward.

    `input_error` bounds ‖computed M − exact M‖₂, absolutely, for each M.

    Proof: proofs/coq/perturbed_norms.v (one_sided_with_error), given the decomposition's own error bound.
    """
    symmetric = (matrices + matrices.mT) / 2
    largest = torch.linalg.eigvalsh(symmetric)[..., -1]
    size = torch.linalg.matrix_norm(symmetric)
    return largest + input_error + EIGENVALUE_SAFETY * symmetric.shape[-1] * EPSILON * size


def product_error(inner: int, *norms: Tensor | float) -> Tensor:
    """What rounding may have done to a product of matrices with inner dimension `inner`, in ‖·‖₂.

    `norms` are the Frobenius norms of the factors, or bounds of the entries of diagonal ones: the entrywise error is
    at most γ_n|A||D||B|, n = inner + 4 (Higham, *Accuracy and Stability of Numerical Algorithms*, (3.13)).
    """
    product = torch.ones((), dtype=torch.float64)
    for norm in norms:
        product = product * norm
    return (inner + 4) * EPSILON * product
