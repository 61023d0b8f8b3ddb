"""The sweep over step sizes, as a record holds it."""

from typing import Literal

from natrob_empirical.records.schema.record_part import AbstractRecordPart, Number


class StepSizePoint(AbstractRecordPart):
    """The growth over T at one step size, by Euler's method.

    Attributes:
        step_size, num_steps: h and n = T/h.
        measured: the largest growth found, a lower bound of the worst.
        from_lipschitz: (1 + hK)^n.
        from_one_sided: the bound from (μ, K).
        from_gradient_flow: the bound for gradient flows; None for other fields.
    """

    step_size: float
    num_steps: int
    measured: Number
    from_lipschitz: Number
    from_one_sided: Number
    from_gradient_flow: Number | None


class FieldGrowth(AbstractRecordPart):
    """One field of the sweep over step sizes: its constants as intervals, and its growth.

    Attributes:
        label: what the field is.
        lipschitz_lower, lipschitz_upper: K.
        one_sided_lower, one_sided_upper: μ, which may be negative.
        exact_flow: e^{μT}, the bound of the exact flow, to which the one from (μ, K) tends as h falls.
        points: by falling step size.
    """

    label: str
    lipschitz_lower: Number
    lipschitz_upper: Number
    one_sided_lower: Number
    one_sided_upper: Number
    exact_flow: Number
    points: list[StepSizePoint]


class StepSizeResult(AbstractRecordPart):
    """Step size against growth at fixed T, on fields of equal K that are not trained.

    Attributes:
        total_time: T.
        dimension: of the states.
        fields: one for each kind of field.
        seconds: wall clock.
    """

    kind: Literal["step sizes"] = "step sizes"
    total_time: float
    dimension: int
    fields: list[FieldGrowth]
    seconds: float
