"""The largest norm of a stack of matrices, by a Cholesky factorisation of each in place of its singular values.

τ²I − MM* has a factor RR* only if ‖M‖₂ ≤ τ. So the largest eigenvalue of MM* for one matrix, which seems to have the
largest norm, gives τ, and every other matrix is shown not to exceed τ. Those of which this fails are tried again, with
a larger τ from the largest of them. A product and a factorisation take less time than singular values.

Rounding. With conventional sums of products, H = fl(MM*) errs by at most γ_m‖M‖_F² in ‖·‖₂, γ_m = 4(m + 4)u for m
columns, and a factorisation that comes to its end has RR* = A + E with |E| ≤ γ_n|R||R*| for n rows, A the computed
τ²I − H (Higham, *Accuracy and Stability*, (3.13), Lemma 3.5 and Theorem 10.3). So ‖E‖₂ ≤ γ_n‖R‖_F², and the traces of
RR* and A give ‖R‖_F² ≤ nτ²/(1 − γ_n). Hence ‖M‖₂² ≤ τ² + γ_m‖M‖_F² + γ_n nτ²/(1 − γ_n) + 4uτ², which is returned;
for 512 rows it is 10⁻¹⁰ of the norm above it. The entries are scaled so that no product that counts under- or
overflows: what underflows lies below 2⁻⁵⁰⁰ of τ², which γ_m, taken with the largest ‖M‖_F of the stack, covers.
"""

import math

import torch
from jaxtyping import Shaped
from torch import Tensor

from natrob_theory.numbers.rounding import EPSILON

LANCZOS_STEPS = 16
"""How long the matrices are looked at to rank them; a poor ranking costs time only."""

SAFE_EXPONENT = 200
"""Entries whose largest lies between 2^±this are not scaled: their products are far from the ends of the range."""


def largest_norm_upper(matrices: Shaped[Tensor, "stack rows columns"]) -> float:
    """max ‖M_i‖₂ over a stack of finite matrices in double precision, real or complex, rounded outward.

    Proof: proofs/symbolic/norm_by_factorisation.py.
    """
    wide = matrices.mH if matrices.shape[-2] > matrices.shape[-1] else matrices
    parts = torch.view_as_real(wide.resolve_conj()) if wide.is_complex() else wide
    entry = max(float(parts.max()), -float(parts.min()))
    if entry == 0.0:
        return 0.0
    _, exponent = math.frexp(entry)
    if abs(exponent) > SAFE_EXPONENT:
        # In two factors, each a normal number whatever the exponent.
        wide = wide * 2.0 ** -(exponent // 2) * 2.0 ** (exponent // 2 - exponent)
        entry = math.ldexp(entry, -exponent)
    else:
        exponent = 0
    square = _largest_square(wide @ wide.mH, columns=wide.shape[-1], at_least=entry * entry)
    root = math.sqrt(square) * (1.0 + 4 * EPSILON)
    return root * 2.0 ** (exponent // 2) * 2.0 ** (exponent - exponent // 2)


def _largest_square(gram: Tensor, *, columns: int, at_least: float) -> float:
    """At least the largest ‖M‖₂² for computed products MM* of matrices with so many columns.

    `at_least` is positive and at most the largest ‖M‖₂².
    """
    rows = gram.shape[-1]
    traces = gram.diagonal(dim1=-2, dim2=-1).real.sum(dim=-1)
    frobenius = traces * (1.0 + 4 * _gamma(columns + rows))
    gram_error = _gamma(columns) * float(frobenius.max())
    identity = torch.eye(rows, dtype=gram.dtype, device=gram.device)
    waiting, tried = gram[frobenius > at_least], 1  # ‖M‖₂ ≤ ‖M‖_F settles the others
    square, rise = at_least, 8 * rows * EPSILON
    while len(waiting) > 0:
        chosen = _rank(waiting).topk(min(tried, len(waiting))).indices
        square = max(square, float(torch.linalg.eigvalsh(waiting[chosen])[:, -1].max())) * (1.0 + rise)
        failed = torch.linalg.cholesky_ex(square * identity - waiting).info != 0
        if bool(failed[chosen].any()):  # rounding hid that these pass
            rise *= 16.0
        waiting, tried = waiting[failed], 2 * tried
    factor_error = 2 * EPSILON * square + _gamma(rows) * rows * square * (1.0 + 4 * _gamma(rows))
    return (square + gram_error + factor_error) * (1.0 + 8 * EPSILON)


def _gamma(terms: int) -> float:
    """The relative error of a sum of so many complex products."""
    return 2.0 * (terms + 4) * EPSILON


def _rank(gram: Tensor) -> Tensor:
    """A lower estimate of each matrix's largest eigenvalue, by Lanczos' method from one fixed vector."""
    size = gram.shape[-1]
    start = torch.cos(torch.arange(size, dtype=torch.float64, device=gram.device) ** 2).to(gram.dtype)
    vector = (start / torch.linalg.vector_norm(start)).expand(len(gram), size)[..., None]
    before, step = torch.zeros_like(vector), torch.zeros(len(gram), dtype=torch.float64, device=gram.device)
    diagonal, beside = [], []
    for _ in range(min(LANCZOS_STEPS, size)):
        pushed = gram @ vector - step[:, None, None] * before
        along = (vector.mH @ pushed)[:, 0, 0].real
        pushed = pushed - along[:, None, None] * vector
        step = torch.linalg.vector_norm(pushed, dim=(-2, -1))
        diagonal.append(along)
        beside.append(step)
        before, vector = vector, pushed / step.clamp_min(torch.finfo(torch.float64).tiny)[:, None, None]
    off = torch.diag_embed(torch.stack(beside, dim=1)[:, :-1], offset=1)
    return torch.linalg.eigvalsh(torch.diag_embed(torch.stack(diagonal, dim=1)) + off + off.mT)[:, -1]
