"""Differences entry by entry: how far they reach through a layer, from which constants in L∞ and L1 follow.

A layer with |f(z) − f(y)|_j ≤ Σ_i M_ji|z − y|_i for all y and z, M ≥ 0, takes |z − y| ≤ a to |f(z) − f(y)| ≤ Ma, so
its constant in L∞ is at most the largest row sum, max (M𝟙). It takes weights b on the outputs to Mᵀb on the inputs,
Σ b_j|f(z) − f(y)|_j ≤ Σ (Mᵀb)_i|z − y|_i, so its constant in L1 is at most the largest column sum, max (Mᵀ𝟙). A chain
multiplies the M of its layers, which is at most, and often less than, the product of their constants. For an affine
map, M = |W| and both are attained: by the signs of a row, and by a unit vector.

Proof: proofs/symbolic/row_and_column_norms.py.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.layers.statements import Shape
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import round_up

SMALLEST_FACTOR = 1e-140
"""Positive numbers below it are raised to it, so that products of two stay normal and rounding stays relative."""

Sums = Callable[[Float[Tensor, "batch *inputs"]], Tensor]
"""a -> Ma for a matrix M ≥ 0, batch by batch."""


def absolute(weight: Tensor) -> Tensor:
    """|W| in float64, positive entries at least `SMALLEST_FACTOR`."""
    return raised(weight.detach().double().abs())


def raised(sizes: Tensor) -> Tensor:
    """Nonnegative numbers, the positive ones raised to at least `SMALLEST_FACTOR`."""
    return torch.where(sizes > 0, sizes.clamp_min(SMALLEST_FACTOR), sizes)


def reach_through(
    sums: Sums, norm: Norm, sizes: Float[Tensor, "batch *entries"], input_shape: Shape, *, terms: int
) -> Tensor:
    """Ma in L∞ and Mᵀb in L1, rounded outward.

    Args:
        sums: a -> Ma, linear, on the device it likes, with at most `terms` roundings an entry, as Mᵀ has.
        norm: "Linf" or "L1".
        sizes: a of the inputs' shape, or b of the outputs' shape; float64, at least 0, ∞ allowed.
        input_shape: of one sample that enters.
        terms: the most products in one sum, and whatever else is rounded.

    Proof: proofs/symbolic/row_and_column_norms.py.
    """
    sizes = raised(sizes)
    if norm == "Linf":
        return round_up(sums(sizes), terms + 2)
    entering = torch.zeros((len(sizes), *input_shape), dtype=torch.float64, device=sizes.device)
    leaving, transposed = torch.func.vjp(sums, entering)[:2]
    (image,) = transposed(sizes.to(leaving.device).view_as(leaving))
    return round_up(image, terms + 2)


def ones_like_shape(shape: Shape) -> Float[Tensor, "1 *entries"]:
    """One sample of ones, float64 on the CPU."""
    return torch.ones((1, *shape), dtype=torch.float64, device="cpu")
