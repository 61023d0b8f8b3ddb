"""GMRES for a batch of independent linear systems, matrix free."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor


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
    tiny = torch.finfo(right_hand_side.dtype).tiny
    norm = right_hand_side.norm(dim=1).clamp_min(tiny)
    solution = torch.zeros_like(right_hand_side)
    residual = right_hand_side
    steps = min(restart, right_hand_side.shape[1])
    calls = 0
    while True:
        solution = solution + _cycle(operator, residual, steps)
        residual = right_hand_side - operator(solution)
        relative = residual.norm(dim=1) / norm
        calls += steps + 1
        if not bool((relative > relative_tolerance).any()) or calls >= max_restarts * (steps + 1):
            return solution, relative, calls


def _cycle(operator: Callable[[Tensor], Tensor], residual: Tensor, steps: int) -> Tensor:
    """The correction in the Krylov space of dimension `steps` that makes each sample's residual least.

    A sample whose space is exhausted early continues with zero vectors; the pseudoinverse ignores them.
    """
    scale = residual.norm(dim=1)
    basis = [_normalised(residual, scale)]
    columns = []
    for step in range(steps):
        vector = operator(basis[step])
        before = vector.norm(dim=1)
        entries = []
        for direction in basis:
            entry = torch.einsum("bd,bd->b", direction, vector)
            vector = vector - entry[:, None] * direction
            entries.append(entry)
        after = vector.norm(dim=1)
        after = torch.where(after > 10 * torch.finfo(after.dtype).eps * before, after, torch.zeros_like(after))
        basis.append(_normalised(vector, after))
        zeros = [torch.zeros_like(after)] * (steps - step - 1)
        columns.append(torch.stack([*entries, after, *zeros], dim=1))
    hessenberg = torch.stack(columns, dim=2)  # (batch, steps + 1, steps)
    coefficients = torch.linalg.pinv(hessenberg)[:, :, 0] * scale[:, None]
    return torch.einsum("bm,bmd->bd", coefficients, torch.stack(basis[:-1], dim=1))


def _normalised(vector: Tensor, norm: Tensor) -> Tensor:
    """Each sample over its norm; zero where the norm is zero."""
    safe = torch.where(norm > 0, norm, torch.ones_like(norm))
    return torch.where(norm[:, None] > 0, vector / safe[:, None], torch.zeros_like(vector))
