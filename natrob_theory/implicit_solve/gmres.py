"""GMRES for a batch of independent linear systems, matrix free."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.implicit_solve.batched_products import products_with
from natrob_theory.numbers.norms import row_lengths


def gmres(
    operator: Callable[[Tensor], Tensor],
    right_hand_side: Float[Tensor, "batch d"],
    *,
    relative_tolerance: float,
    restart: int = 20,
    max_restarts: int = 10,
) -> tuple[Float[Tensor, "batch d"], Float[Tensor, " batch"], int]:
    """Solve A_i x_i = b_i per sample, from x = 0; returns x, the relative residuals ‖b − Ax‖/‖b‖, and the cost.

    `operator` applies all A_i at once; the cost counts its calls. Samples that have not converged are told by
    their residual, never hidden.

    Source: Saad, Schultz, SIAM J. Sci. Stat. Comput. 7, 1986 (restarted GMRES, modified Gram–Schmidt).
    """
    norm = row_lengths(right_hand_side)
    safe = torch.where(norm > 0, norm, 1.0)
    solution = torch.zeros_like(right_hand_side)
    residual = right_hand_side
    steps = min(restart, right_hand_side.shape[1])
    calls = cycles = 0
    while True:
        correction, used = _cycle(operator, residual, steps, relative_tolerance * norm)
        solution = solution + correction
        residual = right_hand_side - operator(solution)
        relative = row_lengths(residual) / safe
        calls, cycles = calls + used + 1, cycles + 1
        if not bool((relative > relative_tolerance).any()) or cycles == max_restarts:
            return solution, relative, calls


def _cycle(operator: Callable[[Tensor], Tensor], residual: Tensor, steps: int, target: Tensor) -> tuple[Tensor, int]:
    """The correction in a Krylov space of at most `steps` dimensions that makes each sample's residual least.

    Givens rotations keep the Hessenberg matrix triangular, so the residual is known after every step and the cycle
    ends once every sample is at its target. A sample whose space is exhausted early goes on with zero vectors.
    """
    scale = row_lengths(residual)
    basis = residual.new_empty((len(residual), steps + 1, residual.shape[1]))
    basis[:, 0] = _normalised(residual, scale)
    triangle: list[Tensor] = []  # columns of R, each (batch, its own length)
    rotations: list[tuple[Tensor, Tensor]] = []
    right = [scale]  # Qᵀ‖r‖e₁
    for step in range(steps):
        vector, projections, below = _orthogonalised(operator(basis[:, step]), basis[:, : step + 1])
        basis[:, step + 1] = _normalised(vector, below)
        entries = list(projections.unbind(dim=1))
        for row, (cosine, sine) in enumerate(rotations):
            upper, lower = entries[row], entries[row + 1]
            entries[row], entries[row + 1] = cosine * upper + sine * lower, cosine * lower - sine * upper
        length = torch.hypot(entries[step], below)
        safe = torch.where(length > 0, length, torch.ones_like(length))
        cosine, sine = torch.where(length > 0, entries[step] / safe, torch.ones_like(length)), below / safe
        rotations.append((cosine, sine))
        entries[step] = length
        right[step], after = cosine * right[step], -sine * right[step]
        right.append(after)
        triangle.append(torch.stack(entries, dim=1))
        if bool((after.abs() <= 0.5 * target).all()):
            break
    coefficients = torch.stack(_back_substituted(triangle, right), dim=1)
    return torch.einsum("bm,bmd->bd", coefficients, basis[:, : len(triangle)]), len(triangle)


def _orthogonalised(vector: Tensor, basis: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The part of `vector` orthogonal to the basis (batch, m, d), its coefficients there, and its norm.

    Classical Gram–Schmidt, twice, which is as orthogonal as the modified form (Giraud, Langou, Rozložník, 2005). A
    remainder at the level of rounding counts as zero.
    """
    before = row_lengths(vector)
    projections = torch.zeros_like(basis[:, :, 0])
    for _ in range(2):
        part = products_with(basis, vector)
        vector = torch.baddbmm(vector[:, None], part[:, None], basis, alpha=-1)[:, 0]
        projections = projections + part
    after = row_lengths(vector)
    after = torch.where(after > 10 * torch.finfo(after.dtype).eps * before, after, torch.zeros_like(after))
    return vector, projections, after


def _back_substituted(triangle: list[Tensor], right: list[Tensor]) -> list[Tensor]:
    """The solution of R c = q per sample, 0 for a diagonal entry that is 0."""
    size = len(triangle)
    solution = list(right[:size])
    for row in range(size - 1, -1, -1):
        diagonal = triangle[row][:, row]
        safe = torch.where(diagonal > 0, diagonal, torch.ones_like(diagonal))
        solution[row] = torch.where(diagonal > 0, solution[row] / safe, torch.zeros_like(diagonal))
        for above in range(row):
            solution[above] = solution[above] - triangle[row][:, above] * solution[row]
    return solution


def _normalised(vector: Tensor, norm: Tensor) -> Tensor:
    """Each sample over its norm; zero where the norm is zero."""
    safe = torch.where(norm > 0, norm, torch.ones_like(norm))
    return torch.where(norm[:, None] > 0, vector / safe[:, None], torch.zeros_like(vector))
