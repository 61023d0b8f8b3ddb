"""Linear systems (I − hA) x = b, sample by sample, from products with A."""

from collections.abc import Callable
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.implicit_solve.gmres import gmres
from natrob_theory.implicit_solve.native_anderson import extension_for, native_anderson
from natrob_theory.numbers.norms import row_lengths

MOST_PRODUCTS: Final = 15
"""So many products with A are tried before GMRES takes over; a contraction by a third needs half of them."""

DEPTH: Final = 5
"""How many changes are mixed."""


def solve_contraction(
    product: Callable[[Tensor], Tensor],
    factor: float,
    right_hand_side: Float[Tensor, "batch d"],
    *,
    relative_tolerance: float,
    start: Float[Tensor, "batch d"] | None = None,
) -> tuple[Float[Tensor, "batch d"], Float[Tensor, " batch"], int]:
    """Solve (I − hA_i) x_i = b_i per sample, cheaply for contractions hA; `factor` is h.

    The iteration begins at `start`, or at b. Returns x, the relative residuals ‖b − (I − hA)x‖/‖b‖, and the cost.

    `product` applies all A_i at once; the cost counts its calls. The iteration x ← b + hAx with Anderson's mixing is
    GMRES by other means (Walker, Ni, SIAM J. Numer. Anal. 49, 2011, theorem 2.2) and needs no orthogonal basis. It
    runs where C++ mixes; GMRES does the rest. The residuals are those of the values that are returned.
    """

    def iteration(vector: Tensor) -> Tensor:
        return torch.add(right_hand_side, product(vector), alpha=factor)

    if extension_for(right_hand_side) is None:
        return solve_by_gmres(product, factor, right_hand_side, relative_tolerance=relative_tolerance)
    lengths = row_lengths(right_hand_side)
    first = right_hand_side if start is None else start
    solution = native_anderson(
        iteration,
        first,
        iteration(first),
        tolerance=relative_tolerance,
        max_iterations=MOST_PRODUCTS,
        depth=DEPTH,
        bounds=lengths,
    )
    if solution is not None and bool(solution.converged.all()):
        return solution.value, solution.residual / lengths.where(lengths > 0, 1.0), solution.iterations
    value, relative, calls = solve_by_gmres(product, factor, right_hand_side, relative_tolerance=relative_tolerance)
    return value, relative, calls + (1 if solution is None else solution.iterations)


def solve_by_gmres(
    product: Callable[[Tensor], Tensor],
    factor: float,
    right_hand_side: Float[Tensor, "batch d"],
    *,
    relative_tolerance: float,
) -> tuple[Float[Tensor, "batch d"], Float[Tensor, " batch"], int]:
    """Solve the same systems for every A whose I − hA can be solved with."""
    return gmres(
        lambda vector: torch.sub(vector, product(vector), alpha=factor),
        right_hand_side,
        relative_tolerance=relative_tolerance,
    )
