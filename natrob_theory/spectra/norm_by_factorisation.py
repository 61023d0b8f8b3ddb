"""The largest norm of a stack of matrices: a few singular values, and a Cholesky factorisation of each other matrix.

The singular values of a matrix that seems to have the largest norm give τ. A factor RR* of τ²I − MM* shows of every
other one that its norm is at most τ; a product and a factorisation take less time than singular values. Those of which
this fails are looked at again with a larger τ, from the singular values of the largest among them. So the bound is
as close as singular values are, whatever the factorisations round: that only decides who is looked at again.

Rounding. A factorisation that comes to its end has RR* = A + E with |E| ≤ γ|R||R*| for n rows, A the computed tI − H,
γ = 4(n + 4)u (Higham, *Accuracy and Stability of Numerical Algorithms*, Lemma 3.5 and Theorem 10.3). So
‖E‖₂ ≤ γ‖R‖_F², and the traces of RR* and A give ‖R‖_F² ≤ nt/(1 − γ). With ‖H − MM*‖₂ ≤ g and 2ut for the diagonal,
‖M‖₂² ≤ t + g + 2ut + γnt/(1 − γ); t is chosen so that this is at most τ². The entries are near 1, so nothing that
counts under- or overflows. The first look is one in complex64, where γ is 2²⁹ times as large and a factorisation takes
half the time; those close to τ are left for complex128.

Measured on one CPU core, random kernels, as a share of the time of all singular values of the blocks in complex128:
64 channels at 32×32 0.07, 128 at 16×16 0.15, 256 at 8×8 0.34; of factorisations of products of blocks, 512 at 4×4 0.37.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor

from natrob_theory.numbers.rounding import EPSILON, unit_roundoff
from natrob_theory.spectra.matrix_stack import AbstractMatrixStack

LANCZOS_STEPS = 8
"""How long the matrices are looked at to rank them; a poor ranking costs time only."""

LEAST_STEP = 2.0**-60
"""Below it a matrix of a stack whose largest has about unit size is 0 to the ranking."""

RANKED_FIRST = 32
"""Of so many, evenly spread, the likeliest gives the first τ."""

SINGLE_UP_TO = 256
"""Rows up to which the look in complex64 settles most of the matrices."""

TIED_FROM = 192
"""Rows from which matrices of norms that rounding cannot tell apart are not decomposed one by one."""

CHUNK = 2**18
"""Entries of the products that are formed together: they stay in the processor's cache."""

AT_LEAST = 32
"""So many are formed together all the same: what they are made of is read once for all of them."""


@dataclass(frozen=True, kw_only=True)
class Likeliest:
    """A matrix of a stack that seems to have the largest norm.

    Attributes:
        stack: in which it is.
        chosen: its index, alone.
        norm: about what its norm is at least; an estimate.
    """

    stack: AbstractMatrixStack
    chosen: Int[Tensor, " one"]
    norm: float


def likeliest_of(stack: AbstractMatrixStack) -> Likeliest:
    """The first guess, among a few matrices."""
    every = torch.arange(stack.count, device=stack.device)[:: -(-stack.count // RANKED_FIRST)]
    squares = _squares(stack, every)
    return Likeliest(stack=stack, chosen=every[squares.argmax()][None], norm=math.sqrt(max(0.0, float(squares.max()))))


def largest_norm_upper(first: Likeliest, *, enough: float = math.inf) -> float:
    """max ‖M_i‖₂ of a stack of finite matrices, rounded outward; ∞ where it is seen to be `enough` or more.

    Args:
        first: where to begin; a bad guess costs time only.
        enough: a bound from elsewhere; nothing is gained by one that is no smaller.

    Proof: proofs/symbolic/norm_by_factorisation.py.
    """
    stack, likeliest = first.stack, first.chosen
    waiting = torch.arange(stack.count, device=stack.device)
    largest, rounds = 0.0, 0
    while len(likeliest) > 0:
        largest = max(largest, float(stack.norms_upper(likeliest).max()))
        if largest >= enough:
            return math.inf
        waiting = waiting[~torch.isin(waiting, likeliest)]
        if rounds == 0 and stack.rows <= SINGLE_UP_TO:
            waiting = _not_below(stack, waiting, largest, torch.complex64)
        waiting = _not_below(stack, waiting, largest, torch.complex128)
        rounds += 1
        if rounds > 1 and stack.rows >= TIED_FROM and len(waiting) > 2**rounds:
            largest = math.sqrt(largest**2 + 2 * _needed(stack, largest, torch.complex128)) * (1.0 + 4 * EPSILON)
            waiting = _not_below(stack, waiting, largest, torch.complex128)
        likeliest = waiting[_squares(stack, waiting).topk(min(2 ** (rounds - 1), len(waiting))).indices]
    return largest


def _not_below(stack: AbstractMatrixStack, waiting: Tensor, largest: float, dtype: torch.dtype) -> Int[Tensor, " left"]:
    """Those whose norm is not shown to be at most this."""
    shift = (largest**2 - _needed(stack, largest, dtype)) * (1.0 - 4 * EPSILON)
    if shift <= 0.0:
        return waiting
    left = [waiting[:0]]
    for some in waiting.split(max(AT_LEAST, CHUNK // stack.rows**2)):
        shifted = stack.grams(some, dtype).neg_()
        shifted.diagonal(dim1=1, dim2=2).add_(shift)
        left.append(some[torch.linalg.cholesky_ex(shifted).info != 0])
    return torch.cat(left)


def _needed(stack: AbstractMatrixStack, largest: float, dtype: torch.dtype) -> float:
    """By how much the errors may raise ‖M‖₂² above the t of a factorisation, t ≤ τ²."""
    unit, rows = unit_roundoff(dtype), stack.rows
    gamma = 4 * (rows + 4) * unit
    factor = (2 * unit + rows * gamma / (1.0 - gamma)) * largest**2 if gamma < 1.0 else math.inf
    return (stack.gram_error(dtype) + factor) * (1.0 + 8 * EPSILON)


def _squares(stack: AbstractMatrixStack, among: Int[Tensor, " some"]) -> Float[Tensor, " some"]:
    """Estimates of their squared norms, by which they are ranked."""
    chunks = among.split(max(AT_LEAST, CHUNK // stack.rows**2))
    return torch.cat([_largest_eigenvalues(stack.grams(some, torch.complex64)) for some in chunks])


def _largest_eigenvalues(gram: Complex[Tensor, "stack rows rows"]) -> Float[Tensor, " stack"]:
    """A lower estimate of each matrix's largest eigenvalue, by Lanczos' method from one fixed vector."""
    size = gram.shape[-1]
    start = torch.cos(torch.arange(size, dtype=torch.float64, device=gram.device) ** 2).to(gram.dtype)
    vector = (start / torch.linalg.vector_norm(start)).expand(len(gram), size)[..., None]
    before, step = torch.zeros_like(vector), gram.new_zeros(len(gram), dtype=gram.dtype.to_real())
    diagonal, beside = [], []
    for _ in range(min(LANCZOS_STEPS, size)):
        pushed = gram @ vector - step[:, None, None] * before
        along = (vector.mH @ pushed)[:, 0, 0].real
        pushed = pushed - along[:, None, None] * vector
        step = torch.linalg.vector_norm(pushed, dim=(-2, -1))
        diagonal.append(along)
        beside.append(step)
        before, vector = vector, pushed / step.clamp_min(LEAST_STEP)[:, None, None]
    off = torch.diag_embed(torch.stack(beside, dim=1)[:, :-1].double(), offset=1)
    return torch.linalg.eigvalsh(torch.diag_embed(torch.stack(diagonal, dim=1).double()) + off + off.mT)[:, -1]
