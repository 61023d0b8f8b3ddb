"""BackwardEulerNet: the implicit network of which PolyNet is a truncation (for linear fields)."""

from collections.abc import Sequence
from typing import final

from natrob_theory.implicit_solve import AbstractFixedPointSolver
from natrob_theory.implicit_solve.solution import FailureAction
from natrob_theory.networks.fixed_step_net import AbstractFixedStepNet
from natrob_theory.numbers.tensor_types import Field
from natrob_theory.steppers import BackwardEulerStepper


@final
class BackwardEulerNet(AbstractFixedStepNet):
    """y_{n+1} = y_n + h f_n(t_{n+1}, y_{n+1}), the paper's (16).

    Args:
        field_or_fields, step_size, num_steps, start_time: as for `EulerNet`.
        solver: the inner solver, `NewtonKrylov()` if None; `Anderson()` is cheaper where hK is well below 1.
        on_failure: what to do with a step that has not converged, "raise" `ImplicitSolveError` or "warn".
    """

    def __init__(
        self,
        field_or_fields: Field | Sequence[Field],
        step_size: float,
        num_steps: int | None = None,
        *,
        solver: AbstractFixedPointSolver | None = None,
        on_failure: FailureAction = "raise",
        start_time: float = 0.0,
    ) -> None:
        stepper = BackwardEulerStepper(solver, on_failure=on_failure)
        super().__init__(field_or_fields, stepper, step_size=step_size, num_steps=num_steps, start_time=start_time)
