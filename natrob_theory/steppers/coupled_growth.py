"""The growth of steps on two halves: (‖Δa‖, ‖Δb‖) grows at most by a matrix M, n steps by the norm of their product."""

import math
from collections.abc import Callable, Sequence
from typing import Any, final

import torch
from torch import Tensor

from natrob_theory.numbers.balls import Ball, ball, root
from natrob_theory.steppers.arithmetic import AbstractArithmetic, Term, weighted
from natrob_theory.steppers.coefficient import Coefficient


@final
class CouplingRows(AbstractArithmetic[list[Any]]):
    """Rows [p, q]: a half is at most p‖Δa_0‖ + q‖Δb_0‖ apart. The numbers are float64 tensors, or balls.

    Args:
        x: (hK₁, hK₂).
        number: turns an absolute weight into a number.

    Proof: proofs/coq/revnet.v.
    """

    def __init__(self, x: Sequence[Ball] | Tensor, number: Callable[[Any], Any]) -> None:
        self._x, self._number = x, number

    def slope(self, node: Coefficient, point: list[Any], *, part: int = 0) -> list[Any]:
        """hK times the row."""
        return [self._x[part] * entry for entry in point]

    def mix(self, base: list[Any] | None, *terms: Term[list[Any]]) -> list[Any]:
        """The sum of the rows."""
        total = base
        for weight, row in weighted(terms):
            share = row if weight is None else [self._number(abs(weight.exact)) * entry for entry in row]
            total = share if total is None else [one + other for one, other in zip(total, share, strict=True)]
        assert total is not None
        return total


def spectral_norm_2x2(p: Tensor, q: Tensor, r: Tensor, s: Tensor) -> Tensor:
    """‖[[p, q], [r, s]]‖₂ of nonnegative matrices, elementwise, without cancellation.

    σ₁² = ½(N + √(((p² + q²) − (r² + s²))² + 4(pr + qs)²)), N = p² + q² + r² + s²; the entries are scaled by the
    largest first so that nothing overflows before the result does.

    Proof: proofs/coq/spectral_norm_two_by_two.v, proofs/symbolic/spectral_norm_two_by_two.py.
    """
    scale = torch.maximum(torch.maximum(p, q), torch.maximum(r, s))
    p, q, r, s = p / scale, q / scale, r / scale, s / scale
    top, bottom, mixed = p**2 + q**2, r**2 + s**2, p * r + q * s
    squared = 0.5 * (top + bottom + torch.sqrt((top - bottom) ** 2 + 4 * mixed**2))
    return torch.nan_to_num(scale * torch.sqrt(squared), nan=math.inf, posinf=math.inf)


def largest_row_2x2(p: Tensor, q: Tensor, r: Tensor, s: Tensor) -> Tensor:
    """‖[[p, q], [r, s]]‖_∞ of nonnegative matrices: a state is as large as the larger of its halves.

    Proof: proofs/symbolic/row_and_column_norms.py.
    """
    return torch.maximum(p + q, r + s)


def largest_column_2x2(p: Tensor, q: Tensor, r: Tensor, s: Tensor) -> Tensor:
    """‖[[p, q], [r, s]]‖₁ of nonnegative matrices: a state is as large as the sum of its halves.

    Proof: proofs/symbolic/row_and_column_norms.py.
    """
    return torch.maximum(p + r, q + s)


def squared_norm_2x2(p: Ball, q: Ball, r: Ball, s: Ball) -> Ball:
    """‖[[p, q], [r, s]]‖₂² in balls, by the same formula."""
    top, bottom, mixed = p * p + q * q, r * r + s * s, p * r + q * s
    return ball(0.5) * (top + bottom + root((top - bottom) * (top - bottom) + 4 * mixed * mixed))
