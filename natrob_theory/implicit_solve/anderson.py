"""Anderson acceleration of the fixed-point iteration."""

from typing import Final, final

import torch
from torch import Tensor

from natrob_theory.implicit_solve.batched_products import products_with
from natrob_theory.implicit_solve.native_anderson import native_anderson
from natrob_theory.implicit_solve.solution import AbstractFixedPointSolver, FixedPointMap, Solution, finish
from natrob_theory.numbers.argument_checks import require_count, require_positive
from natrob_theory.numbers.norms import row_lengths
from natrob_theory.numbers.powers_of_two import exponent_of_largest, times_power_of_two

_NEAR_ONE: Final = 30
"""Numbers between 2 to the minus and to the plus of it are squared as they are, also a millionth of them in float32."""


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
        native = native_anderson(
            fixed_point_map,
            point,
            image,
            tolerance=self.relative_tolerance(start.dtype),
            max_iterations=self.max_iterations,
            depth=self.depth,
        )
        if native is not None:
            return native
        defect = image - point
        history = _History(defect, self.depth)
        iteration = 1
        while True:
            residual = row_lengths(defect)
            converged = residual <= self.threshold(point, image)
            unfinished = ~converged & torch.isfinite(residual)
            if iteration == self.max_iterations or not bool(unfinished.any()):
                return finish(value=point, residual=residual, converged=converged, iterations=iteration)
            step = image - history.mixture(defect) if iteration > 1 else image
            point = torch.where(unfinished[:, None], step, point)
            new_image = fixed_point_map(point)
            new_defect = new_image - point
            history.add(new_defect - defect, new_image - image)
            image, defect = new_image, new_defect
            iteration += 1


@final
class _History:
    """The last `depth` changes of the defect F and of the image G, in places that are used again.

    Changes of F are held over one power of two for each sample, that of its first defect, which is exact; where all
    first defects are of ordinary size, as they are. Convergent samples' defects shrink from there by no more than the
    tolerance, so that their products neither over- nor underflow. The products of all changes with each other are kept:
    each new one costs one pass over the memory.

    Args:
        defect: the first one, (batch, d).
        depth: how many changes are kept.
    """

    def __init__(self, defect: Tensor, depth: int) -> None:
        batch, size = defect.shape
        exponent = exponent_of_largest(defect, 1)
        self._exponent = None if bool((exponent.abs() <= _NEAR_ONE).all()) else -exponent
        self._depth, self._added = depth, 0
        self._defects = defect.new_empty((batch, depth, size))
        self._images = defect.new_empty((batch, depth, size))
        self._products = defect.new_empty((batch, depth, depth))

    def add(self, defect_change: Tensor, image_change: Tensor) -> None:
        """Keep a change, in the oldest one's place once all are taken."""
        place = self._added % self._depth
        self._added += 1
        kept = min(self._added, self._depth)
        self._defects[:, place] = self._scaled(defect_change)
        self._images[:, place] = image_change
        products = products_with(self._defects[:, :kept], self._defects[:, place])
        self._products[:, place, :kept] = products
        self._products[:, :kept, place] = products

    def mixture(self, defect: Tensor) -> Tensor:
        """ΔG γ with γ = argmin ‖F − ΔF γ‖₂ per sample, through regularised normal equations."""
        kept = min(self._added, self._depth)
        products, tiny = self._products[:, :kept, :kept], torch.finfo(defect.dtype).tiny
        scale = products.diagonal(dim1=1, dim2=2).amax(dim=1).clamp_min(tiny)[:, None, None]
        identity = torch.eye(kept, dtype=defect.dtype, device=defect.device)
        regularised = products / scale + 10 * torch.finfo(defect.dtype).eps * identity
        projected = products_with(self._defects[:, :kept], self._scaled(defect))[:, :, None] / scale
        gamma = torch.linalg.solve(regularised, projected)
        return torch.bmm(gamma.transpose(1, 2), self._images[:, :kept])[:, 0]

    def _scaled(self, values: Tensor) -> Tensor:
        return values if self._exponent is None else times_power_of_two(values, self._exponent)
