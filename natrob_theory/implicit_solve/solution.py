"""The result of an implicit solve, and what a solver must provide."""

import abc
import enum
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from natrob_theory.numbers.norms import row_lengths

FixedPointMap: TypeAlias = Callable[[Tensor], Tensor]
"""g on flat states (batch, d); sample i of g(y) depends on sample i of y only."""

FailureAction: TypeAlias = Literal["raise", "warn"]


class SolveStatus(enum.Enum):
    """Why a solve ended; the value is advice."""

    CONVERGED = "every sample reached the tolerance"
    MAX_ITERATIONS = (
        "the maximum number of iterations was reached; take a smaller step size (hK < 1 makes the iteration a "
        "contraction), raise `max_iterations`, or loosen `tolerance`"
    )
    NON_FINITE = "an iterate became NaN or infinite; the step size is too large for this field, or the field overflows"


class ImplicitSolveError(RuntimeError):
    """An implicit solve did not converge and its owner asked to raise."""


class ImplicitSolveWarning(RuntimeWarning):
    """An implicit solve did not converge and its owner asked to warn."""


@dataclass(frozen=True, kw_only=True)
class Solution:
    """The last iterate of a solve, converged or not.

    Attributes:
        value: the last iterate, (batch, d).
        residual: ‖g(value) − value‖₂ per sample.
        converged: which samples met the tolerance.
        iterations: evaluations of g that were spent.
        status: why the solve ended.
    """

    value: Float[Tensor, "batch d"]
    residual: Float[Tensor, " batch"]
    converged: Bool[Tensor, " batch"]
    iterations: int
    status: SolveStatus


class AbstractFixedPointSolver(abc.ABC):
    """Finds y with g(y) = y, sample by sample.

    A concrete solver must treat samples independently, stop iterating those that have converged, and report the
    residual of the value it returns.
    """

    tolerance: float | None
    """Converged when ‖g(y) − y‖ ≤ tolerance · (‖y‖ + ‖g(y)‖); None: 100 times the spacing of the dtype at 1."""

    @abc.abstractmethod
    def solve(self, fixed_point_map: FixedPointMap, start: Float[Tensor, "batch d"]) -> Solution:
        """Iterate from `start`."""

    def relative_tolerance(self, dtype: torch.dtype) -> float:
        """`tolerance`, or what stands for None in this dtype."""
        return 100 * torch.finfo(dtype).eps if self.tolerance is None else self.tolerance

    def threshold(self, point: Tensor, image: Tensor) -> Tensor:
        """The residual up to which each sample counts as converged; 0 where y or g(y) overflows, since ∞ ≤ ∞."""
        tolerance = self.relative_tolerance(point.dtype)
        return torch.nan_to_num(tolerance * (row_lengths(point) + row_lengths(image)), nan=0.0, posinf=0.0)


def finish(*, value: Tensor, residual: Tensor, converged: Tensor, iterations: int) -> Solution:
    """A `Solution` with the status that fits."""
    if bool(converged.all()):
        status = SolveStatus.CONVERGED
    elif bool(torch.isfinite(residual).all()):
        status = SolveStatus.MAX_ITERATIONS
    else:
        status = SolveStatus.NON_FINITE
    return Solution(value=value, residual=residual, converged=converged, iterations=iterations, status=status)


def report_failure(solution: Solution, *, what: str, on_failure: FailureAction) -> None:
    """Raise or warn, as asked, if a sample of `solution` has not converged."""
    if solution.status is SolveStatus.CONVERGED:
        return
    failed = int((~solution.converged).sum())
    message = (
        f"{what} did not converge for {failed} of {len(solution.converged)} samples after {solution.iterations} "
        f"iterations (largest residual {float(solution.residual.max()):.3g}): {solution.status.value}"
    )
    if on_failure == "raise":
        raise ImplicitSolveError(message)
    warnings.warn(message, ImplicitSolveWarning, stacklevel=3)
