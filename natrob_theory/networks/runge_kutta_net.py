"""RungeKuttaNet: any explicit Runge–Kutta method as a network."""

from collections.abc import Sequence
from typing import final

from natrob_theory.networks.fixed_step_net import AbstractFixedStepNet
from natrob_theory.numbers.tensor_types import Field
from natrob_theory.steppers import RungeKuttaStepper
from natrob_theory.tableaus import RK4, ButcherTableau


@final
class RungeKuttaNet(AbstractFixedStepNet):
    """N steps of the method of `tableau`; other arguments as for `EulerNet`."""

    def __init__(
        self,
        field_or_fields: Field | Sequence[Field],
        step_size: float,
        num_steps: int | None = None,
        *,
        tableau: ButcherTableau = RK4,
        start_time: float = 0.0,
    ) -> None:
        super().__init__(
            field_or_fields,
            RungeKuttaStepper(tableau),
            step_size=step_size,
            num_steps=num_steps,
            start_time=start_time,
        )
