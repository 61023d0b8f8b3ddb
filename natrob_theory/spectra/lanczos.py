"""The direction of a symmetric operator's largest eigenvalue, by Lanczos with full reorthogonalisation."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.numbers.norms import row_lengths


def top_direction(
    operator: Callable[[Tensor], Tensor], start: Float[Tensor, "batch *state"], steps: int
) -> Float[Tensor, "batch *state"]:
    """The Ritz vector of the largest Ritz value after `steps` products, per sample, of unit length.

    An estimate: nothing is proved about it, so callers measure what they find along it. Where the Krylov space ends
    early, the vectors that are missing are kept out of the projected problem.

    Args:
        operator: v -> Av, A symmetric and different for every sample.
        start: where the Krylov spaces begin; a zero start stays zero.
        steps: ≥ 1; at most the dimension of the state is used.
    """
    vector, _ = _normalised(start.flatten(1), torch.zeros_like(start.flatten(1)[:, 0]))
    basis, images = [], []
    size = torch.zeros_like(vector[:, 0])
    for _ in range(min(steps, vector.shape[1])):
        image = operator(vector.view_as(start)).detach().flatten(1)
        basis.append(vector)
        images.append(image)
        size = torch.maximum(size, row_lengths(image))
        known = torch.stack(basis, dim=1)
        for _ in range(2):  # the second pass removes what rounding left of the first
            image = image - torch.einsum("bkd,bk->bd", known, torch.einsum("bkd,bd->bk", known, image))
        vector, _ = _normalised(image, size)
    known = torch.stack(basis, dim=1)
    projected = torch.einsum("bkd,bld->bkl", known, torch.stack(images, dim=1)).double()
    projected = torch.nan_to_num(projected, nan=0.0, posinf=0.0, neginf=0.0)  # no decomposition takes such a number
    weights = _top_eigenvector((projected + projected.mT) / 2, known).to(known)
    return torch.einsum("bkd,bk->bd", known, weights).view_as(start)


def _normalised(vector: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
    """Unit vectors with their lengths; zero where the length is rounding only, relative to `size`."""
    length = row_lengths(vector)
    alive = length > 100 * torch.finfo(vector.dtype).eps * size
    return torch.where(alive[:, None], vector / torch.where(alive, length, 1.0)[:, None], 0.0), length


def _top_eigenvector(projected: Tensor, basis: Tensor) -> Tensor:
    """The last eigenvector of the projected operator, where missing basis vectors get an eigenvalue below all."""
    missing = basis.abs().amax(dim=2) == 0
    below = -1.0 - 2.0 * projected.abs().sum(dim=(1, 2))
    shifted = projected + torch.diag_embed(torch.where(missing, below[:, None], 0.0))
    return torch.linalg.eigh(shifted).eigenvectors[:, :, -1]
