"""NeuralODE: an adaptive solve as a network, with the accepted grids on record."""

import warnings
from itertools import pairwise
from typing import Literal, TypeAlias, final, get_args

import torch
from torch import Tensor

from natrob_theory.adaptive import (
    AdjointProblem,
    EmbeddedMethod,
    IntegrationError,
    IntegrationWarning,
    PIController,
    SolveLog,
    SolveRecord,
    SolveSettings,
    SolveStatus,
    describe_failures,
    solve,
    solve_with_adjoint,
)
from natrob_theory.argument_checks import require_choice, require_count, require_finite, require_positive, require_state
from natrob_theory.fields import require_per_sample_time
from natrob_theory.networks.abstract_net import AbstractIntegratorNet, StepPlan
from natrob_theory.networks.fixed_step_net import as_module
from natrob_theory.networks.torchdiffeq_grid import torchdiffeq_grid
from natrob_theory.networks.trajectory import Trajectory
from natrob_theory.steppers import RungeKuttaStepper
from natrob_theory.tableaus import DOPRI5, ButcherTableau
from natrob_theory.tensor_types import Field

Solver: TypeAlias = Literal["natrob", "torchdiffeq"]
Gradients: TypeAlias = Literal["direct", "checkpointed", "adjoint"]
FailureAction: TypeAlias = Literal["raise", "warn"]


@final
class NeuralODE(AbstractIntegratorNet):
    """y(T) from y(t_0) for dy/dt = f(t, y), by an embedded Runge–Kutta pair with error control.

    `solver="natrob"`: every sample has its own steps, which end exactly at `end_time`, and its own verdict on each of
    them. A result does not depend on the rest of the batch (up to the rounding of f itself on other batch sizes).
    The field gets t of shape (batch,); see `broadcast_time`.

    `solver="torchdiffeq"`, the reference: torchdiffeq's dopri5 chooses the grid, made to end exactly at
    `end_time`, and the library's stepper computes the states on it. One error norm over the whole batch rules
    all samples, so a sample's result depends, within the tolerances, on its neighbours.

    Either way the states are Runge–Kutta steps on the recorded grid and nothing else (no interpolation), the same
    with gradients on and off; `last_solve` keeps grids, rejections, evaluations and status.

    Args:
        field: f(t, y), a module or a function.
        end_time: T > start_time.
        rtol, atol: relative and absolute tolerance of the error control, > 0. They bound an *estimate* of the
            local error, not the error.
        solver: "natrob" or "torchdiffeq".
        tableau: the embedded pair: `DOPRI5`, `FEHLBERG45`, `BOGACKI_SHAMPINE` or another. torchdiffeq: `DOPRI5` only.
        gradients: "direct" backpropagates through the accepted steps; "checkpointed" does the same and recomputes each
            step's stages instead of keeping them; "adjoint" solves the continuous adjoint backward in time: memory
            that does not grow with the steps, and a gradient that is that of the exact flow up to the tolerances.
            Step sizes are constants to all three. torchdiffeq: "direct" only.
        on_failure: a sample that does not reach `end_time` (the others do) is reported as "raise" `IntegrationError` or
            "warn" `IntegrationWarning`, and then its result is NaN. torchdiffeq: "raise" only.
        controller: of the step size, `PIController()` if None; natrob only.
        start_time: t_0.
        max_num_steps: trial steps of a sample, accepted and rejected, after which it has failed.

    Raises:
        TypeError, ValueError: naming the argument.
    """

    def __init__(  # noqa: PLR0913 - each is one keyword of what a solve is
        self,
        field: Field,
        end_time: float = 1.0,
        *,
        rtol: float = 1e-3,
        atol: float = 1e-3,
        solver: Solver = "natrob",
        tableau: ButcherTableau = DOPRI5,
        gradients: Gradients = "direct",
        on_failure: FailureAction = "raise",
        controller: PIController | None = None,
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
        self.solver: Solver = require_choice("solver", solver, get_args(Solver))
        self.gradients: Gradients = require_choice("gradients", gradients, get_args(Gradients))
        self.on_failure: FailureAction = require_choice("on_failure", on_failure, get_args(FailureAction))
        self.controller = PIController() if controller is None else controller
        self.max_num_steps = require_count("max_num_steps", max_num_steps)
        self.stepper = RungeKuttaStepper(tableau)
        self._method = EmbeddedMethod(tableau)
        self._notes: SolveLog | SolveRecord | None = None
        self._takes_per_sample_time = False
        if solver == "torchdiffeq" and (tableau != DOPRI5 or gradients != "direct" or on_failure != "raise"):
            raise ValueError(
                '`solver` = "torchdiffeq" takes only the tableau DOPRI5, `gradients` = "direct", `on_failure` = "raise"'
            )

    @property
    def last_solve(self) -> SolveRecord | None:
        """What the last solve did; None before the first."""
        if isinstance(self._notes, SolveLog):
            self._notes = self._notes.record()
        return self._notes

    def forward(self, y0: Tensor) -> Tensor:
        """y(T) from y(t_0), both of shape (batch, *state); keeps the grids in `last_solve`.

        Raises:
            TypeError, ValueError: as for every network; the field does not take t of shape (batch,).
            IntegrationError: step size underflow, too many steps, or a state that is not finite.
        """
        if self.solver == "torchdiffeq":
            return self.trajectory(y0).states[-1]
        y0 = self._checked(y0)
        if self.gradients == "adjoint" and torch.is_grad_enabled():
            settings = self._settings(keep_states=False)
            final, log = solve_with_adjoint(AdjointProblem(self.field, self._method, settings), y0)
        else:
            final, log = solve(self.field, y0, self._method, self._settings(keep_states=False))
        self._keep(log)
        return final

    def trajectory(self, y0: Tensor) -> Trajectory:
        """The states at the accepted times; keeps the grids in `last_solve`. Raises like `forward`.

        times: (points, batch), states: (points, batch, *state); a sample that has ended repeats its last entry, and one
        that failed ends in NaN. With torchdiffeq times are (points,). Gradients are direct ones, or checkpointed.
        """
        if self.solver == "torchdiffeq":
            return self._trajectory_on_shared_grid(y0)
        y0 = self._checked(y0)
        _, log = solve(self.field, y0, self._method, self._settings(keep_states=True))
        states, record = log.states(), log.record()
        self._keep(record)
        failed = torch.tensor([status is not SolveStatus.REACHED_END for status in record.status], device=y0.device)
        if bool(failed.any()):
            last = states[-1].masked_fill(failed.view(-1, *[1] * (y0.dim() - 1)), torch.nan)
            states = torch.cat([states[:-1], last[None]])
        return Trajectory(times=record.times, states=states)

    def plan(self) -> list[StepPlan]:
        """The accepted steps of the last solve."""
        record = self.last_solve
        if record is None:
            raise ValueError("this NeuralODE has no grid on record yet: run it on a batch first")
        times = record.times.unbind() if record.times.dim() == 2 else record.times.tolist()
        return [StepPlan(self.field, time, later - time, later) for time, later in pairwise(times)]

    @torch.no_grad()
    def plan_for(self, y0: Tensor) -> list[StepPlan]:
        """The steps that a solve from y_0 accepts."""
        self.forward(y0)
        return self.plan()

    def growth_source(self) -> tuple[str, tuple[str, ...]]:
        """The growth polynomial of the tableau over the recorded grid."""
        return (
            f"{self.stepper.name}: Π G(h_n K) over the recorded grid",
            ("both solutions are computed on the recorded grid; each on its own grid has no bound of this form",),
        )

    def extra_repr(self) -> str:
        """Tolerances, time span and solver, for print(net)."""
        span = f"t from {self.start_time:g} to {self.end_time:g}"
        return f"{span}, rtol={self.rtol:g}, atol={self.atol:g}, solver={self.solver}, {self.stepper.name}"

    def _settings(self, *, keep_states: bool) -> SolveSettings:
        return SolveSettings(
            start_time=self.start_time,
            end_time=self.end_time,
            rtol=self.rtol,
            atol=self.atol,
            max_num_steps=self.max_num_steps,
            controller=self.controller,
            keep_states=keep_states,
            checkpointed=self.gradients == "checkpointed",
        )

    def _checked(self, y0: Tensor) -> Tensor:
        y0 = require_state("y0", y0)
        if not self._takes_per_sample_time:
            with torch.no_grad():
                require_per_sample_time(self.field, self.start_time, y0)
            self._takes_per_sample_time = True
        return y0

    def _keep(self, notes: SolveLog | SolveRecord) -> None:
        """Put the notes on record; raise or warn if a sample has failed."""
        self._notes = notes
        if not notes.failed:
            return
        record = notes.record() if isinstance(notes, SolveLog) else notes
        message = describe_failures(record.status, record.times[-1].tolist(), self.end_time)
        if self.on_failure == "raise":
            raise IntegrationError(message, status=record.status)
        warnings.warn(message, IntegrationWarning, stacklevel=3)

    def _trajectory_on_shared_grid(self, y0: Tensor) -> Trajectory:
        y0 = require_state("y0", y0)
        self._notes = record = torchdiffeq_grid(
            self.field, y0.detach(), self.start_time, self.end_time,
            rtol=self.rtol, atol=self.atol, max_num_steps=self.max_num_steps,
        )  # fmt: skip
        states = [y0]
        for field, time, step_size, _ in self.plan():
            states.append(self.stepper.step(field, time, states[-1], step_size))
        if not bool(torch.isfinite(states[-1]).all()):
            raise IntegrationError("the solve reached `end_time` with NaN or infinite entries; shorten the time span")
        return Trajectory(times=record.times, states=torch.stack(states))
