"""From y_0 to y_N: the plain loop over steps, which a network may replace by one that keeps less in memory."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from torch import Tensor

from natrob_theory.networks.abstract_net import StepPlan

Passage: TypeAlias = Callable[[Any, Sequence[StepPlan], Tensor], Tensor]
"""`passage(stepper, steps, y0) -> y_N`: the same values whichever it is; they differ in what backward keeps."""


def stored_passage(stepper: Any, steps: Sequence[StepPlan], y0: Tensor) -> Tensor:
    """Step after step; with gradients on, every step's intermediate values stay in memory until backward."""
    state, stepper = y0, stepper.begun()
    for field, time, step_size, _ in steps:
        state = stepper.step(field, time, state, step_size)
    return state
