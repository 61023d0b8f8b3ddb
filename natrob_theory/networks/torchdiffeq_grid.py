"""The grid that torchdiffeq's dopri5 accepts: the reference solver."""

import torch
from torch import Tensor

from natrob_theory.adaptive import IntegrationError, SolveRecord, SolveStatus
from natrob_theory.fields import evaluate_field
from natrob_theory.numbers.tensor_types import Field


class _RecordingField:
    """A field that tells which steps torchdiffeq accepted, through torchdiffeq's callbacks."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self.times: list[float] = []
        self.rejected = 0
        self.evaluations = 0

    def __call__(self, time: Tensor, state: Tensor) -> Tensor:
        self.evaluations += 1
        return evaluate_field(self.field, float(time), state)

    def callback_accept_step(self, time: Tensor, state: Tensor, step_size: Tensor) -> None:
        self.times.append(float(time))

    def callback_reject_step(self, time: Tensor, state: Tensor, step_size: Tensor) -> None:
        self.rejected += 1


@torch.no_grad()
def torchdiffeq_grid(
    field: Field, y0: Tensor, start_time: float, end_time: float, *, rtol: float, atol: float, max_num_steps: int
) -> SolveRecord:
    """The accepted times, shared by the batch and made to end exactly at `end_time`.

    Raises:
        IntegrationError: torchdiffeq gave up; its assertion is turned into an error that advises.
    """
    import torchdiffeq  # noqa: PLC0415 - SciPy comes with it, half a second: only where this solver is asked for

    notes = _RecordingField(field)
    times = torch.tensor([start_time, end_time], dtype=torch.float64, device=y0.device)
    options = {"step_t": times[1:], "max_num_steps": max_num_steps}
    try:
        torchdiffeq.odeint(notes, y0, times, rtol=rtol, atol=atol, method="dopri5", options=options)
    except AssertionError as error:
        reached = notes.times[-1] if notes.times else start_time
        raise IntegrationError(
            f"the solve stopped near t = {reached:.6g} before end_time = {end_time:.6g} "
            f"({str(error)[:80]}); loosen `rtol` and `atol`, raise `max_num_steps`, shorten the time span, or "
            f"use a field with a smaller Lipschitz constant"
        ) from error
    grid = [*notes.times, end_time]

    def for_all(count: int) -> Tensor:
        return torch.full((len(y0),), count, device=y0.device)

    return SolveRecord(
        times=torch.tensor(grid, dtype=torch.float64, device=y0.device),
        error_estimates=None,
        accepted=for_all(len(grid) - 1),
        rejected=for_all(notes.rejected),
        evaluations=for_all(notes.evaluations),
        status=(SolveStatus.REACHED_END,) * len(y0),
    )
