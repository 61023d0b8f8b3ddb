"""Settings, which stay the same over an adaptive solve."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from torch import Tensor

from natrob_theory.adaptive.controller import PIController

Event: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""`event(t, y) -> values`: t of shape (batch,), y of shape (batch, *state), values real, of shape (batch,)."""


@dataclass(frozen=True, kw_only=True)
class SolveSettings:
    """Settings of a solve.

    Attributes:
        start_time, end_time: t_0 ≠ T; the solve goes backward in time where T < t_0.
        rtol, atol: of the error control, > 0; tensors that broadcast to the state's shape where entries differ.
        max_num_steps: trial steps of a sample, accepted and rejected, after which it has failed.
        controller: of the step size.
        keep_states: whether the log keeps the state after every step.
        checkpointed: whether backward recomputes each step instead of keeping its stages.
        max_step_size: H > 0, which no step exceeds; None: no limit.
        jump_times: where f(·, y) jumps; a step ends exactly at each, and the next one starts afresh.
        output_times: where a step ends exactly, besides.
        event: ends a sample where it changes its sign; None: nothing does.
        whole_batch: whether the field, or the event, takes the batch it was made for and no part of it.
    """

    start_time: float
    end_time: float
    rtol: float | Tensor
    atol: float | Tensor
    max_num_steps: int
    controller: PIController = field(default_factory=PIController)
    keep_states: bool = False
    checkpointed: bool = False
    max_step_size: float | None = None
    jump_times: tuple[float, ...] = ()
    output_times: tuple[float, ...] = ()
    event: Event | None = None
    whole_batch: bool = False

    @property
    def forward(self) -> bool:
        """Whether time increases."""
        return self.end_time > self.start_time
