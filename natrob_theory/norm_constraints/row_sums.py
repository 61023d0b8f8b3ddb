"""Weights with ‖W‖_∞ ≤ 1 or ‖W‖₁ ≤ 1: rows, or columns, divided by the sums of their absolute values."""

import math
from typing import final

import torch
from torch import Tensor

from natrob_theory.norm_constraints.abstract_constraint import AbstractNormConstraint
from natrob_theory.norm_constraints.scaled_weight import scaled_weight
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.powers_of_two import power_of_two

LARGEST_EXPONENT = 1000


@final
class DividedBySums(AbstractNormConstraint):
    """Row i of V over max(1, Σ_j|V_ij|), or all of V over its largest row sum; in L1 the columns.

    For a convolution a row sums an output channel's taps over all input channels: the sum of the operator's row at a
    pixel inside the image, and at least that at its border. So no size of the images is needed.

    The sums are raised by more than their rounding, n + 4 spacings for n terms, so the norm is at most 1 without any
    allowance.

    Args:
        norm: "Linf" or "L1".
        each: whether every row is divided by its own sum where that exceeds 1; else all by the largest.

    Proof: proofs/symbolic/row_and_column_norms.py.
    """

    def __init__(self, norm: Norm, *, each: bool) -> None:
        super().__init__()
        self.norm: Norm = norm
        self.each = each

    def constrained(self, raw: Tensor) -> Tensor:
        """V with its rows or columns divided; zeros stay zeros."""
        weight, exponent = scaled_weight(raw, tuple(range(raw.dim())))
        kept = 0 if self.norm == "Linf" else 1
        summed = tuple(dim for dim in range(raw.dim()) if dim != kept)
        terms = math.prod(raw.shape[dim] for dim in summed)
        sums = weight.abs().sum(dim=summed, keepdim=True) * (1.0 + (terms + 4) * torch.finfo(raw.dtype).eps)
        if not self.each:
            return weight / sums.amax().clamp_min(0.5)
        one = power_of_two((-exponent).clamp(-LARGEST_EXPONENT, LARGEST_EXPONENT), raw.dtype)
        return weight / torch.maximum(sums, one)

    def extra_repr(self) -> str:
        """The norm, for print(module)."""
        return f"norm={self.norm}, each={self.each}"
