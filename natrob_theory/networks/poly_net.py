"""PolyNet: I + hF + (hF)² + … as a network."""

from collections.abc import Sequence
from typing import final

from natrob_theory.networks.fixed_step_net import AbstractFixedStepNet
from natrob_theory.numbers.tensor_types import Field
from natrob_theory.steppers import PolyNetStepper


@final
class PolyNet(AbstractFixedStepNet):
    """y_{n+1} = (I + hF + … + (hF)^order) y_n with F = f_n(t_n, ·), the paper's (15).

    Args:
        field_or_fields, step_size, num_steps, start_time: as for `EulerNet`.
        order: the highest power, 2 in the paper.
    """

    def __init__(
        self,
        field_or_fields: Field | Sequence[Field],
        step_size: float,
        num_steps: int | None = None,
        *,
        order: int = 2,
        start_time: float = 0.0,
    ) -> None:
        super().__init__(
            field_or_fields, PolyNetStepper(order), step_size=step_size, num_steps=num_steps, start_time=start_time
        )
