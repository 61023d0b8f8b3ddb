"""FractalNet: the fractal expansion as a network."""

from collections.abc import Sequence
from typing import final

from natrob_theory.networks.fixed_step_net import AbstractFixedStepNet
from natrob_theory.numbers.tensor_types import Field
from natrob_theory.steppers import FractalNetStepper


@final
class FractalNet(AbstractFixedStepNet):
    """y_{n+1} = f_C(y_n), f_1 = hF, f_{C+1} = ½ f_C∘f_C + ½ f_1, the paper's (19). It has no identity path.

    Args:
        field_or_fields, step_size, num_steps, start_time: as for `EulerNet`.
        columns: C ≥ 1; one step costs 2^C − 1 evaluations.
    """

    def __init__(
        self,
        field_or_fields: Field | Sequence[Field],
        step_size: float,
        num_steps: int | None = None,
        *,
        columns: int = 2,
        start_time: float = 0.0,
    ) -> None:
        super().__init__(
            field_or_fields,
            FractalNetStepper(columns),
            step_size=step_size,
            num_steps=num_steps,
            start_time=start_time,
        )
