"""Newton's method with matrix-free GMRES and backtracking, per sample."""

from typing import final

import torch
from torch import Tensor

from natrob_theory.implicit_solve.gmres import gmres
from natrob_theory.implicit_solve.solution import AbstractFixedPointSolver, FixedPointMap, Solution, finish
from natrob_theory.numbers.argument_checks import require_count, require_positive
from natrob_theory.numbers.jacobian_products import Linearisation
from natrob_theory.numbers.norms import row_lengths


@final
class NewtonKrylov(AbstractFixedPointSolver):
    """Solves g(y) = y also where the iteration y ← g(y) diverges: backward Euler with hK > 1 and hμ < 1.

    Each step solves (I − g′(y)) d = g(y) − y by GMRES with Jacobian-vector products (`Linearisation`) and halves d
    until the residual falls (Knoll, Keyes, J. Comput. Phys. 193, 2004).
    """

    def __init__(self, *, tolerance: float | None = None, max_iterations: int = 30, halvings: int = 8) -> None:
        self.tolerance = None if tolerance is None else require_positive("tolerance", tolerance)
        self.max_iterations = require_count("max_iterations", max_iterations)
        self.halvings = require_count("halvings", halvings)

    def solve(self, fixed_point_map: FixedPointMap, start: Tensor) -> Solution:
        """Iterate from `start` until every sample has converged or `max_iterations` Newton steps are spent."""
        point, image = start, fixed_point_map(start)
        iteration = 1
        while True:
            defect = image - point
            residual = row_lengths(defect)
            converged = residual <= self.threshold(point, image)
            unfinished = ~converged & torch.isfinite(residual)
            if iteration == self.max_iterations or not bool(unfinished.any()):
                return finish(value=point, residual=residual, converged=converged, iterations=iteration)
            active_defect = torch.where(unfinished[:, None], defect, torch.zeros_like(defect))
            direction = self._direction(fixed_point_map, point, active_defect)
            point, image = self._backtrack(fixed_point_map, point, image, direction)
            iteration += 1

    @staticmethod
    def _direction(fixed_point_map: FixedPointMap, point: Tensor, defect: Tensor) -> Tensor:
        """d with (I − g′(y)) d = defect, to three digits: the outer iteration corrects the rest."""
        jacobian = Linearisation(fixed_point_map, point)
        direction, _, _ = gmres(
            lambda vector: vector - jacobian.times(vector), defect, relative_tolerance=1e-3, max_restarts=3
        )
        return direction

    def _backtrack(
        self, fixed_point_map: FixedPointMap, point: Tensor, image: Tensor, direction: Tensor
    ) -> tuple[Tensor, Tensor]:
        """point + αd with the largest α = 1, ½, ¼, … per sample whose residual is below the present one."""
        before = row_lengths(image - point)
        settled = (direction == 0).all(dim=1)
        fraction = torch.ones_like(before)
        halvings = 0
        while True:
            trial = point + fraction[:, None] * direction
            trial_image = fixed_point_map(trial)
            better = row_lengths(trial_image - trial) < before
            if bool((better | settled).all()) or halvings == self.halvings:
                keep = better[:, None]
                return torch.where(keep, trial, point), torch.where(keep, trial_image, image)
            fraction = torch.where(better, fraction, fraction / 2)
            halvings += 1
