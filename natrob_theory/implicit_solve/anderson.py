"""Anderson acceleration of the fixed-point iteration."""

from typing import final

import torch
from torch import Tensor

from natrob_theory.implicit_solve.solution import AbstractFixedPointSolver, FixedPointMap, Solution, finish
from natrob_theory.numbers.argument_checks import require_count, require_positive
from natrob_theory.numbers.norms import row_lengths
from natrob_theory.numbers.powers_of_two import exponent_of_largest, times_power_of_two


@final
class Anderson(AbstractFixedPointSolver):
    """Cheap for contractions: one evaluation of g an iteration, no derivatives.

    Mixes the last `depth` differences so that the linearised residual is least (Anderson 1965; type II in the
    notation of Walker and Ni, SIAM J. Numer. Anal. 49, 2011). Converges where hK < 1; beyond that it often does, but
    nothing promises it.
    """

    def __init__(self, *, tolerance: float | None = None, max_iterations: int = 60, depth: int = 5) -> None:
        self.tolerance = None if tolerance is None else require_positive("tolerance", tolerance)
        self.max_iterations = require_count("max_iterations", max_iterations)
        self.depth = require_count("depth", depth)

    def solve(self, fixed_point_map: FixedPointMap, start: Tensor) -> Solution:
        """Iterate from `start` until every sample has converged or `max_iterations` evaluations are spent."""
        point, image = start, fixed_point_map(start)
        defect = image - point
        defects: list[Tensor] = []
        images: list[Tensor] = []
        iteration = 1
        while True:
            residual = row_lengths(defect)
            converged = residual <= self.threshold(point, image)
            unfinished = ~converged & torch.isfinite(residual)
            if iteration == self.max_iterations or not bool(unfinished.any()):
                return finish(value=point, residual=residual, converged=converged, iterations=iteration)
            step = image - _mixture(defect, defects, images)
            point = torch.where(unfinished[:, None], step, point)
            new_image = fixed_point_map(point)
            defects = [*defects, new_image - point - defect][-self.depth :]
            images = [*images, new_image - image][-self.depth :]
            image, defect = new_image, new_image - point
            iteration += 1


def _mixture(defect: Tensor, defects: list[Tensor], images: list[Tensor]) -> Tensor:
    """ΔG γ with γ = argmin ‖F − ΔF γ‖₂ per sample, through regularised normal equations."""
    if not defects:
        return torch.zeros_like(defect)
    exponent = exponent_of_largest(torch.stack(defects, dim=1), (1, 2))
    differences = times_power_of_two(torch.stack(defects, dim=1), -exponent)  # (batch, m, d)
    defect = times_power_of_two(defect, -exponent[:, 0])
    gram = torch.bmm(differences, differences.transpose(1, 2))
    scale = gram.diagonal(dim1=1, dim2=2).amax(dim=1).clamp_min(torch.finfo(defect.dtype).tiny)
    identity = torch.eye(len(defects), dtype=defect.dtype, device=defect.device)
    regularised = gram / scale[:, None, None] + 10 * torch.finfo(defect.dtype).eps * identity
    projected = torch.bmm(differences, defect[:, :, None]) / scale[:, None, None]
    gamma = torch.linalg.solve(regularised, projected)
    return torch.bmm(gamma.transpose(1, 2), torch.stack(images, dim=1))[:, 0]
