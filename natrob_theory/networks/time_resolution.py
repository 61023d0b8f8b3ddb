"""Whether a dtype can tell the times of a fixed grid apart, and what becomes of the fields where it cannot."""

from collections.abc import Sequence
from typing import Any

import torch

from natrob_theory.fields import TimelessField
from natrob_theory.networks.abstract_net import StepPlan
from natrob_theory.steppers import AbstractStepper

ALLOWED_SHARE = 0.25
"""Of the smallest distance between two stages' times, and of h: how far rounding may move a time."""


def resolved_steps(stepper: AbstractStepper[Any], steps: Sequence[StepPlan], dtype: torch.dtype) -> Sequence[StepPlan]:
    """The steps themselves where `dtype` can tell apart all times at which they evaluate their fields.

    Elsewhere the steps with fields that must not look at t: one that does raises ValueError, one that does not takes
    its steps as ever.

    Args:
        stepper: whose stages' times count.
        steps: with times and sizes as numbers.
        dtype: of the state, in which fields get t.
    """
    largest = max(abs(steps[0].time), abs(steps[-1].end_time))
    smallest = min(abs(step.step_size) for step in steps)
    allowed = ALLOWED_SHARE * stepper.smallest_gap * smallest
    rounding = torch.finfo(dtype).eps / 2
    if largest * rounding <= allowed:
        return steps
    if largest * torch.finfo(torch.float64).eps <= allowed and _roundings(stepper, steps, dtype) <= allowed:
        return steps
    refusal = (
        f"{dtype} cannot tell the times of steps of size {smallest:.6g} apart at t = {largest:.10g}, and the field "
        f"depends on t: give the states in float64 (if they are not), or shift the time so that it is small"
    )
    wrapped: dict[int, Any] = {}
    for step in steps:
        if id(step.field) not in wrapped:
            wrapped[id(step.field)] = stepper.with_fields(step.field, lambda field: TimelessField(field, refusal))
    return [step._replace(field=wrapped[id(step.field)]) for step in steps]


def _roundings(stepper: AbstractStepper[Any], steps: Sequence[StepPlan], dtype: torch.dtype) -> float:
    """The farthest that a stage's time is moved by rounding to `dtype`."""
    starts = torch.tensor([step.time for step in steps], dtype=torch.float64)
    sizes = torch.tensor([step.step_size for step in steps], dtype=torch.float64)
    times = starts + torch.tensor(stepper.nodes, dtype=torch.float64)[:, None] * sizes
    moved = (times.to(dtype).to(torch.float64) - times).abs()
    return float(moved.nan_to_num(nan=torch.inf).max())
