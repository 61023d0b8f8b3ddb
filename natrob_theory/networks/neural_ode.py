"""NeuralODE: an adaptive Dormand–Prince solve as a network, with the accepted grid on record."""

from dataclasses import dataclass
from itertools import pairwise
from typing import final

import torch
import torchdiffeq
from jaxtyping import Float
from torch import Tensor

from natrob_theory.argument_checks import require_count, require_finite, require_positive, require_state
from natrob_theory.fields import evaluate_field
from natrob_theory.networks.abstract_net import AbstractIntegratorNet, StepPlan
from natrob_theory.networks.fixed_step_net import as_module
from natrob_theory.networks.trajectory import Trajectory
from natrob_theory.steppers import RungeKuttaStepper
from natrob_theory.tableaus import DOPRI5
from natrob_theory.tensor_types import Field

SOLVERS = ("torchdiffeq",)


class IntegrationError(RuntimeError):
    """An adaptive solve ended before its end time; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class SolveRecord:
    """What an adaptive solve did.

    Attributes:
        grid: the accepted times t_0 < … < t_N, the last one exactly the end time.
        rejected: how many trial steps were rejected.
        evaluations: how many times the error-controlled solve evaluated the field (NFE); computing the states
            on the grid costs six more a step.
        samples: the size of the batch, which shares the grid: torchdiffeq takes one error norm over all of it.
    """

    grid: tuple[float, ...]
    rejected: int
    evaluations: int
    samples: int


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


@final
class NeuralODE(AbstractIntegratorNet):
    """y(T) from y(t_0) for dy/dt = f(t, y), by Dormand–Prince 5(4) with error control.

    torchdiffeq chooses the grid, without gradients, and ends it exactly at `end_time`; `last_solve` keeps it. The
    states are then computed on that grid by the library's own stepper. So they are Dormand–Prince steps and
    nothing else (no interpolation), the same with gradients on and off, and gradients are those of the steps on the
    accepted grid, by direct backpropagation. torchdiffeq controls one error norm over the whole batch: a sample's
    result depends, within the tolerances, on its neighbours.

    Args:
        field: f(t, y), a module or a function.
        end_time: T > start_time.
        rtol, atol: relative and absolute tolerance of the error control, > 0. They bound an *estimate* of the
            local error, not the error.
        solver: "torchdiffeq".
        start_time: t_0.
        max_num_steps: trial steps after which the solve gives up with `IntegrationError`.
    """

    def __init__(
        self,
        field: Field,
        end_time: float = 1.0,
        *,
        rtol: float = 1e-3,
        atol: float = 1e-3,
        solver: str = "torchdiffeq",
        start_time: float = 0.0,
        max_num_steps: int = 10_000,
    ) -> None:
        super().__init__()
        self.field = as_module(field, argument="field")
        self.start_time = require_finite("start_time", start_time)
        self.end_time = require_finite("end_time", end_time)
        if self.end_time <= self.start_time:
            raise ValueError(f"`end_time` must be greater than `start_time` = {start_time}, got {end_time}")
        self.rtol = require_positive("rtol", rtol)
        self.atol = require_positive("atol", atol)
        if solver not in SOLVERS:
            raise ValueError(f"`solver` must be one of {', '.join(SOLVERS)}, got {solver!r}")
        self.solver = solver
        self.max_num_steps = require_count("max_num_steps", max_num_steps)
        self.stepper = RungeKuttaStepper(DOPRI5)
        self.last_solve: SolveRecord | None = None

    def forward(self, y0: Tensor) -> Tensor:
        """y(T) from y(t_0), both of shape (batch, *state); records the grid in `last_solve`.

        Raises:
            TypeError, ValueError: as for every network.
            IntegrationError: step size underflow, too many steps, or a state that is not finite.
        """
        return self.trajectory(y0).states[-1]

    def trajectory(self, y0: Tensor) -> Trajectory:
        """The states at the accepted times; records the grid in `last_solve`. Raises like `forward`."""
        y0 = require_state("y0", y0)
        self.last_solve = self._solve(y0.detach())
        states = [y0]
        for field, time, step_size in self.plan():
            states.append(self.stepper.step(field, time, states[-1], step_size))
        if not bool(torch.isfinite(states[-1]).all()):
            raise IntegrationError("the solve reached `end_time` with NaN or infinite entries; shorten the time span")
        times = torch.tensor(self.last_solve.grid, dtype=torch.float64, device=y0.device)
        return Trajectory(times=times, states=torch.stack(states))

    @torch.no_grad()
    def _solve(self, y0: Tensor) -> SolveRecord:
        """The grid that torchdiffeq's error control accepts, its assertions turned into errors that advise."""
        notes = _RecordingField(self.field)
        times = torch.tensor([self.start_time, self.end_time], dtype=torch.float64, device=y0.device)
        options = {"step_t": times[1:], "max_num_steps": self.max_num_steps}
        try:
            torchdiffeq.odeint(notes, y0, times, rtol=self.rtol, atol=self.atol, method="dopri5", options=options)
        except AssertionError as error:
            reached = notes.times[-1] if notes.times else self.start_time
            raise IntegrationError(
                f"the solve stopped near t = {reached:.6g} before end_time = {self.end_time:.6g} "
                f"({str(error)[:80]}); loosen `rtol` and `atol`, raise `max_num_steps`, shorten the time span, or "
                f"use a field with a smaller Lipschitz constant"
            ) from error
        return SolveRecord(
            grid=(*notes.times, self.end_time),
            rejected=notes.rejected,
            evaluations=notes.evaluations,
            samples=len(y0),
        )

    def plan(self, times: Float[Tensor, " points"] | None = None) -> list[StepPlan]:
        """The accepted steps of the last solve, or of the solve with these times."""
        if times is not None:
            grid = times.tolist()
        elif self.last_solve is not None:
            grid = self.last_solve.grid
        else:
            raise ValueError("this NeuralODE has no grid on record yet: run it on a batch first")
        return [StepPlan(self.field, t, later - t) for t, later in pairwise(grid)]

    def growth_source(self) -> tuple[str, tuple[str, ...]]:
        """The growth polynomial of dopri5 over the recorded grid."""
        return (
            "Dormand–Prince: Π G(h_n K) over the recorded grid",
            ("both solutions are computed on the recorded grid; each on its own grid has no bound of this form",),
        )

    def extra_repr(self) -> str:
        """Tolerances and time span, for print(net)."""
        return f"t from {self.start_time:g} to {self.end_time:g}, rtol={self.rtol:g}, atol={self.atol:g}"
