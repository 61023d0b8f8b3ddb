"""HeunNet: the explicit trapezoidal rule as a network."""

from collections.abc import Sequence
from typing import final

from natrob_theory.networks.fixed_step_net import AbstractFixedStepNet
from natrob_theory.numbers.tensor_types import Field
from natrob_theory.steppers import RungeKuttaStepper
from natrob_theory.tableaus import HEUN


@final
class HeunNet(AbstractFixedStepNet):
    """y_{n+1} = y_n + ½h f(t_n, y_n) + ½h f(t_{n+1}, y_n + h f(t_n, y_n)), the paper's (20).

    Arguments as for `EulerNet`.
    """

    def __init__(
        self,
        field_or_fields: Field | Sequence[Field],
        step_size: float,
        num_steps: int | None = None,
        *,
        start_time: float = 0.0,
    ) -> None:
        super().__init__(
            field_or_fields, RungeKuttaStepper(HEUN), step_size=step_size, num_steps=num_steps, start_time=start_time
        )
