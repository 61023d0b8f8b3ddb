"""Anderson's iteration with everything between two evaluations in C++, where the compiled extension is at hand."""

from types import ModuleType
from typing import Final

import torch
from torch import Tensor

from natrob_theory.implicit_solve.solution import FixedPointMap, Solution, finish
from natrob_theory.native import NotNativeError, extension, require_plain_state

_ORDINARY: Final = (1e-100, 1e100)
"""First defects between these leave room in float64 for the squares of all that follow."""


def native_anderson(
    fixed_point_map: FixedPointMap,
    start: Tensor,
    first_image: Tensor,
    *,
    tolerance: float,
    max_iterations: int,
    depth: int,
    bounds: Tensor | None = None,
) -> Solution | None:
    """The iteration from `start`, (batch, d), where g is `first_image`; None where it stays in Python.

    Args:
        fixed_point_map: g.
        start, first_image: the first point, and g there.
        tolerance: a sample has converged when ‖g(y) − y‖ ≤ tolerance · (‖y‖ + ‖g(y)‖).
        max_iterations: the most evaluations of g, the first one included.
        depth: how many changes are mixed.
        bounds: (batch,), where given they stand in place of ‖y‖ + ‖g(y)‖.
    """
    module = extension_for(start)
    if module is None or extension_for(first_image) is None or not _leaves_room(first_image - start):
        return None
    steps = module.AndersonSteps(start, depth, tolerance, bounds)
    point, image = start, first_image
    iteration = 1
    while True:
        following, unfinished = steps.advance(image)
        if not unfinished or iteration == max_iterations:
            return finish(value=point, residual=steps.residual, converged=steps.converged, iterations=iteration)
        point = following
        image = fixed_point_map(point)
        iteration += 1


def extension_for(state: Tensor) -> ModuleType | None:
    """The extension, or None for states that are not plain."""
    try:
        require_plain_state(state)
    except NotNativeError:
        return None
    return extension()


def _leaves_room(first_defect: Tensor) -> bool:
    """Whether squares of float64 numbers stay in their range; those of float32 numbers do."""
    if first_defect.dtype == torch.float32:
        return True
    largest = first_defect.abs().amax(dim=1)
    low, high = _ORDINARY
    return bool(((largest == 0) | ((largest > low) & (largest < high))).all())
