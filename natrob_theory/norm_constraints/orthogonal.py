"""Orthonormal rows or columns by a Cholesky factorisation of their inner products."""

from typing import Any, Final, final

import torch
from torch import Tensor

from natrob_theory.norm_constraints.abstract_constraint import AbstractNormConstraint
from natrob_theory.norm_constraints.scaled_weight import scaled_weight

REGULARISATION: Final = 1e-6
"""ε as a share of the mean squared length of the rows."""


@final
class OrthonormalRows(AbstractNormConstraint):
    """W = L⁻¹V with VVᵀ + εI = LLᵀ, or the same of the columns where there are fewer of them.

    WWᵀ = I − εL⁻¹L⁻ᵀ, so ‖W‖₂ ≤ 1 for every V, and a singular value s of V far above √ε becomes √(s²/(s² + ε)), nearly
    1. The first row keeps its direction and every further one loses what the rows before it hold already, as in Gram
    and Schmidt's process. ε follows the size of V, whose gradient does not flow through it.

    Rounding: the norm may exceed 1 by about u·κ(L), and κ(L) ≤ √(n/ε) is 10³√n for rows that depend on each other. So
    the factorisation is computed in float64 whatever V's precision; ε is a share of at least that of one entry of ½.

    Source: Hu et al., "A recipe for improved certifiable robustness", ICLR 2024.
    Proof: proofs/symbolic/orthonormal_rows.py.
    """

    def constrained(self, raw: Tensor) -> Tensor:
        """L⁻¹V; a weight of zeros stays one."""
        matrix = scaled_weight(raw, tuple(range(raw.dim()))).weight.flatten(1)
        wide = matrix.shape[0] <= matrix.shape[1]
        rows = matrix if wide else matrix.t()
        weight, _ = _CholeskyRows.apply(rows)  # type: ignore[no-untyped-call]
        return (weight if wide else weight.t()).reshape(raw.shape)


class _CholeskyRows(torch.autograd.Function):
    """V -> (L⁻¹V, L⁻¹), with a backward pass of three products, where autograd's own takes some ten.

    [V, √ε I] has the factor L, so its rows over L are orthonormal, and W is their first part. The gradient of an LQ
    factorisation's orthonormal factor Q is L⁻ᵀ(Q̄ + copyltu(−Q̄Qᵀ)Q), copyltu(M) = tril(M) + tril(M, −1)ᵀ (Murray,
    arXiv 1602.07527; Roberts and Roberts, arXiv 2009.10071); its first part needs only those of Q̄ and Q.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(rows: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        return _orthonormal(rows)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: tuple[Tensor, Tensor]) -> None:
        ctx.save_for_backward(*inputs, *output)
        ctx.mark_non_differentiable(output[1])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> Tensor:  # type: ignore[override]
        rows, weight, inverse = ctx.saved_tensors
        if torch.is_grad_enabled():  # the formula is to be differentiated, whether or not what comes in is constant
            weight, inverse = _orthonormal(rows)
        products = -gradient @ weight.t()
        inner = gradient + (products.tril() + products.tril(-1).t()) @ weight
        return (inverse.t() @ inner.double()).to(gradient.dtype)


def _orthonormal(rows: Tensor) -> tuple[Tensor, Tensor]:
    """L⁻¹V and L⁻¹."""
    double = rows.double()
    products = double @ double.t()
    identity = torch.eye(len(rows), dtype=torch.float64, device=rows.device)
    share = REGULARISATION * products.detach().diagonal().mean().clamp_min(0.25 / len(rows))
    factor = torch.linalg.cholesky(products + share * identity)
    inverse = torch.linalg.solve_triangular(factor, identity, upper=False)
    return (inverse @ double).to(rows.dtype), inverse
