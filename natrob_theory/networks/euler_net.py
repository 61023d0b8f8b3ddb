"""EulerNet: a residual network with step size h."""

from collections.abc import Sequence
from typing import final

from natrob_theory.networks.fixed_step_net import AbstractFixedStepNet
from natrob_theory.numbers.tensor_types import Field
from natrob_theory.steppers import EulerStepper


@final
class EulerNet(AbstractFixedStepNet):
    """y_{n+1} = y_n + h f_n(t_n, y_n), the paper's (2): h = 1 is the usual ResNet.

    Args:
        field_or_fields: one field (shared weights) or one per step.
        step_size: h > 0.
        num_steps: N ≥ 1; may be left out where there is one field per step.
        start_time: t_0.

    Raises:
        TypeError, ValueError: naming the argument.
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
            field_or_fields, EulerStepper(), step_size=step_size, num_steps=num_steps, start_time=start_time
        )
