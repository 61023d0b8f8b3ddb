"""NeuralODE: an adaptive solve as a network, with the accepted grids on record."""

import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, TypeAlias, final, get_args

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from natrob_theory.adaptive import (
    AdjointProblem,
    EmbeddedMethod,
    Event,
    IntegrationError,
    IntegrationWarning,
    PIController,
    SolveLog,
    SolveRecord,
    SolveSettings,
    describe_failures,
    event_values,
    field_in_step,
    solve,
    solve_with_adjoint,
)
from natrob_theory.fields import OneSampleField, RowUse, row_use
from natrob_theory.networks.abstract_net import AbstractIntegratorNet, StepPlan
from natrob_theory.networks.fixed_step_net import as_module
from natrob_theory.networks.solve_arguments import (
    describe_tolerance,
    require_jump_times,
    require_output_times,
    require_resolvable_tolerance,
    require_step_limit,
    require_tolerance,
    tolerance_for,
)
from natrob_theory.networks.time_resolution import resolved_steps
from natrob_theory.networks.torchdiffeq_grid import torchdiffeq_grid
from natrob_theory.networks.trajectory import Trajectory
from natrob_theory.numbers.argument_checks import (
    require_choice,
    require_count,
    require_finite,
    require_state,
)
from natrob_theory.numbers.tensor_types import Field
from natrob_theory.numbers.transformed import is_wrapped, require_unmapped
from natrob_theory.steppers import RungeKuttaStepper
from natrob_theory.tableaus import DOPRI5, ButcherTableau

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

    Plain fields on plain states on the CPU are solved by a loop in C++ where that is built (`natrob_theory.native`), to
    the same bits and records; its gradients, whatever their kind, agree with Python's to rounding. Solves with an
    event, jump times, output times, a largest step or tolerances as tensors stay in Python; `last_solve.native` says
    which way a solve went.

    t is kept in float64; the field gets it in the state's dtype. Where that dtype cannot tell the times of a step apart
    as well as the tolerances ask, and the field looks at t, the solve of that sample fails and says so.

    A field may have parameters for each sample (`lambda t, y: -k * y` with k of shape (batch, 1)) or be written for
    one sample: it is then always given the whole batch it was made for. One that lets a sample act on another is
    refused, but for batch normalisation in training mode: its samples then see those that are still under way.

    Args:
        field: f(t, y), a module or a function.
        end_time: T; below start_time the solve goes backward in time.
        rtol, atol: relative and absolute tolerance of the error control, > 0: numbers, or tensors that broadcast to
            the state's shape (without the batch axis). They bound an *estimate* of the local error, not the error.
            States in half precision are refused where they round by more than rtol in every step.
        solver: "natrob" or "torchdiffeq".
        tableau: the embedded pair: `DOPRI5`, `FEHLBERG45`, `BOGACKI_SHAMPINE`, `HEUN_EULER` or another.
            torchdiffeq: `DOPRI5` only.
        gradients: "direct" backpropagates through the accepted steps; "checkpointed" does the same and recomputes each
            step's stages instead of keeping them; "adjoint" keeps the state of every accepted step (one state a step,
            no stages) and solves the continuous adjoint backward along them: a gradient that is that of the exact
            flow up to the tolerances, on contracting flows, too. It takes fields that are one fixed function (no
            random layers); its second derivatives are direct ones. Step sizes are constants to all three.
            torchdiffeq: "direct" only.
        on_failure: a sample that does not reach `end_time` (the others do) is reported as "raise" `IntegrationError` or
            "warn" `IntegrationWarning`, and then its result is NaN. torchdiffeq: "raise" only.
        controller: of the step size, `PIController()` if None; natrob only.
        start_time: t_0.
        max_num_steps: trial steps of a sample, accepted and rejected, after which it has failed.
        max_step_size: H > 0, which no step exceeds, the first and the last included: neither the exact difference of
            two recorded times, nor the h of the step in float64 or in the state's dtype. None: no limit. At most
            |end_time − start_time|: a larger one limits nothing, and is refused as a mistake. natrob only.
        jump_times: times at which f(·, y) jumps (those outside the time span are left aside). A step ends exactly at
            each and sees the branch before it; the next one sees the branch after it and has a first step size of
            its own. natrob only.
        event: `event(t, y) -> (batch,)`, real. A sample ends where its value changes sign between the ends of an
            accepted step (a value of 0 at t_0 counts as no sign yet), and is there located to within four spacings
            of the state's dtype at the largest |t|, by steps that end there; the result is y at the event, at or just
            past it, with the status EVENT. Two changes within one step are missed: `max_step_size` limits that. The
            gradient knows that the event's time moves with y_0 and the parameters, by the implicit function theorem;
            second derivatives, forward mode and torch.func are refused. Not with gradients = "adjoint"; natrob only.

    Raises:
        TypeError, ValueError: naming the argument.
    """

    def __init__(  # noqa: PLR0913 - each is one keyword of what a solve is
        self,
        field: Field,
        end_time: float = 1.0,
        *,
        rtol: float | Tensor = 1e-3,
        atol: float | Tensor = 1e-3,
        solver: Solver = "natrob",
        tableau: ButcherTableau = DOPRI5,
        gradients: Gradients = "direct",
        on_failure: FailureAction = "raise",
        controller: PIController | None = None,
        start_time: float = 0.0,
        max_num_steps: int = 10_000,
        max_step_size: float | None = None,
        jump_times: Sequence[float] | Tensor = (),
        event: Event | None = None,
    ) -> None:
        super().__init__()
        self.field = as_module(field, argument="field")
        self.start_time = require_finite("start_time", start_time)
        self.end_time = require_finite("end_time", end_time)
        if self.end_time == self.start_time:
            raise ValueError(f"`end_time` must differ from `start_time` = {start_time}, got {end_time}")
        self.rtol = require_tolerance("rtol", rtol)
        self.atol = require_tolerance("atol", atol)
        self.solver: Solver = require_choice("solver", solver, get_args(Solver))
        self.gradients: Gradients = require_choice("gradients", gradients, get_args(Gradients))
        self.on_failure: FailureAction = require_choice("on_failure", on_failure, get_args(FailureAction))
        self.controller = PIController() if controller is None else controller
        self.max_num_steps = require_count("max_num_steps", max_num_steps)
        self.max_step_size = require_step_limit(max_step_size, self.start_time, self.end_time)
        self.jump_times = require_jump_times(jump_times)
        if event is not None and not callable(event):
            raise TypeError(f"`event` must be a callable event(t, y), got {type(event).__name__}")
        self.event = event
        self.stepper = RungeKuttaStepper(tableau)
        self.tableau = tableau
        self._method = EmbeddedMethod(tableau)
        self._notes: SolveLog | SolveRecord | None = None
        self._row_use: dict[int, RowUse] = {}
        self._last_use = RowUse.ANY_BATCH
        self._require_combination(tableau)

    def _require_combination(self, tableau: ButcherTableau) -> None:
        """Raise ValueError for settings that do not go together."""
        if self.gradients == "adjoint" and self.event is not None:
            raise ValueError('`event` must be None with `gradients` = "adjoint"; use "direct" or "checkpointed"')
        if self.solver != "torchdiffeq":
            return
        if tableau != DOPRI5 or self.gradients != "direct" or self.on_failure != "raise":
            raise ValueError(
                '`solver` = "torchdiffeq" takes only the tableau DOPRI5, `gradients` = "direct", `on_failure` = "raise"'
            )
        others = (self.max_step_size, self.event, *self.jump_times)
        tensors = isinstance(self.rtol, Tensor) or isinstance(self.atol, Tensor)
        if tensors or any(other is not None for other in others) or self.end_time < self.start_time:
            raise ValueError(
                '`solver` = "torchdiffeq" goes forward in time with `rtol` and `atol` as numbers, without '
                '`max_step_size`, `jump_times` and `event`; `solver` = "natrob" has them'
            )

    @property
    def last_solve(self) -> SolveRecord | None:
        """The record of the last solve; None before the first."""
        if isinstance(self._notes, SolveLog):
            self._notes = self._notes.record()
        return self._notes

    def forward(self, y0: Tensor) -> Tensor:
        """y(T) from y(t_0), both of shape (batch, *state); keeps the grids in `last_solve`.

        Raises:
            TypeError, ValueError: as for every network; the field does not take t of shape (batch,).
            IntegrationError: step size underflow, too many steps, a state that is not finite, or times that the
                state's dtype cannot tell apart.
            NotImplementedError: under torch.func.vmap; an event under a transform of torch.func.
        """
        if self.solver == "torchdiffeq":
            return self.trajectory(y0).states[-1]
        settings = self._prepared(y0)
        if self.gradients == "adjoint" and torch.is_grad_enabled():
            if settings.whole_batch:
                raise ValueError(
                    '`gradients` must be "direct" or "checkpointed" for a field that takes the whole batch it was '
                    'made for and no part of it, got "adjoint"'
                )
            final, log = solve_with_adjoint(AdjointProblem(self._field_in_use, self._method, settings), y0)
        else:
            final, log = solve(self._field_in_use, y0, self._method, settings)
        self._keep(log)
        return final

    def trajectory(self, y0: Tensor, times: Sequence[float] | Tensor | None = None) -> Trajectory:
        """The states at the accepted times, or at chosen ones; keeps the grids in `last_solve`. Raises like `forward`.

        Args:
            y0: (batch, *state).
            times: output times (points,), strictly from t_0 towards T, both allowed. Steps end exactly at them (so
                the grid differs from that of `forward`), and the states are those of the steps: nothing is
                interpolated. None: every accepted time.

        Returns:
            times: (points, batch), states: (points, batch, *state); a sample that has ended repeats its last entry,
            and one that failed ends in NaN. With chosen times, (points,), the states of a sample that ended before
            are NaN. With torchdiffeq times are (points,), and cannot be chosen. Gradients are direct ones, or
            checkpointed.
        """
        if self.solver == "torchdiffeq":
            if times is not None:
                raise ValueError('`times` must be None with `solver` = "torchdiffeq"')
            return self._trajectory_on_shared_grid(y0)
        chosen = None if times is None else require_output_times(times, self.start_time, self.end_time)
        settings = self._prepared(y0, keep_states=True, output_times=chosen or ())
        _, log = solve(self._field_in_use, y0, self._method, settings)
        states, record = log.states(), log.record()
        self._keep(record)
        if chosen is not None:
            return _at_times(chosen, record, states)
        failed = torch.tensor([status.failed for status in record.status], device=y0.device)
        if bool(failed.any()):
            last = states[-1].masked_fill(failed.view(-1, *[1] * (y0.dim() - 1)), torch.nan)
            states = torch.cat([states[:-1], last[None]])
        return Trajectory(times=record.times, states=states)

    def plan(self) -> list[StepPlan]:
        """The accepted steps of the last solve; their sizes are negative where it went backward in time."""
        record = self.last_solve
        if record is None:
            raise ValueError("this NeuralODE has no grid on record yet: run it on a batch first")
        if record.times.dim() == 1:
            return [StepPlan(self.field, time, later - time, later) for time, later in pairwise(record.times.tolist())]
        field = self._field_in_use
        return [
            StepPlan(field_in_step(field, time, later, self.jump_times), time, later - time, later)
            for time, later in pairwise(record.times.unbind())
        ]

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
        rtol, atol = describe_tolerance(self.rtol), describe_tolerance(self.atol)
        return f"{span}, rtol={rtol}, atol={atol}, solver={self.solver}, {self.stepper.name}"

    def _prepared(
        self, y0: Tensor, *, keep_states: bool = False, output_times: tuple[float, ...] = ()
    ) -> SolveSettings:
        """Everything that a solve from y_0 needs, once y_0 is checked and the field known to take it."""
        require_unmapped(require_state("y0", y0))
        require_resolvable_tolerance(self.rtol, y0.dtype)
        if self.event is not None and (is_wrapped(y0) or forward_ad._current_level >= 0):
            raise NotImplementedError("an `event` is differentiated in reverse mode only; use torch.autograd instead")
        use = self._row_use.get(len(y0))
        if use is None:
            use = self._row_use[len(y0)] = self._found_row_use(y0)
        if use is not self._last_use:  # a module's attributes are slow to set
            self._last_use = use
        return SolveSettings(
            start_time=self.start_time,
            end_time=self.end_time,
            rtol=tolerance_for("rtol", self.rtol, y0),
            atol=tolerance_for("atol", self.atol, y0),
            max_num_steps=self.max_num_steps,
            controller=self.controller,
            keep_states=keep_states,
            checkpointed=self.gradients == "checkpointed",
            max_step_size=self.max_step_size,
            jump_times=self.jump_times,
            output_times=output_times,
            event=self.event,
            whole_batch=use is RowUse.WHOLE_BATCH,
        )

    @property
    def _field_in_use(self) -> nn.Module:
        """The field as the last solve evaluated it."""
        return OneSampleField(self.field) if self._last_use is RowUse.ONE_SAMPLE else self.field

    def _found_row_use(self, y0: Tensor) -> RowUse:
        """Which batches the field and the event take; found once for each size of the batch."""
        halfway = 0.5 * (self.start_time + self.end_time)
        uses = [row_use(self.field, self.start_time, halfway, y0)]
        if self.event is not None:
            uses.append(row_use(_event_as_field(self.event), self.start_time, halfway, y0))
        return next((use for use in uses if use is not RowUse.ANY_BATCH), RowUse.ANY_BATCH)

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
        require_unmapped(require_state("y0", y0))
        require_resolvable_tolerance(self.rtol, y0.dtype)
        assert isinstance(self.rtol, float)
        assert isinstance(self.atol, float)
        self._notes = record = torchdiffeq_grid(
            self.field, y0.detach(), self.start_time, self.end_time,
            rtol=self.rtol, atol=self.atol, max_num_steps=self.max_num_steps,
        )  # fmt: skip
        states = [y0]
        for field, time, step_size, _ in resolved_steps(self.stepper, self.plan(), y0.dtype):
            states.append(self.stepper.step(field, time, states[-1], step_size))
        if not bool(torch.isfinite(states[-1]).all()):
            raise IntegrationError("the solve reached `end_time` with NaN or infinite entries; shorten the time span")
        return Trajectory(times=record.times, states=torch.stack(states))


def _at_times(times: tuple[float, ...], record: SolveRecord, states: Tensor) -> Trajectory:
    """The states at these times, which are on every sample's grid unless it ended before; NaN there."""
    wanted = torch.tensor(times, dtype=torch.float64, device=states.device)
    found = []
    for time in wanted:
        here = record.times == time
        place = here.long().argmax(dim=0)
        state = states[place, torch.arange(states.shape[1], device=states.device)]
        missed = ~here.any(dim=0).view(-1, *[1] * (states.dim() - 2))
        found.append(state.masked_fill(missed, torch.nan))
    return Trajectory(times=wanted, states=torch.stack(found))


def _event_as_field(event: Event) -> nn.Module:
    """The event as a field that has its value in every entry of a sample, to be tried like a field."""

    def event_of(time: Tensor, state: Tensor) -> Tensor:
        values = event_values(event, time, state)
        return values.to(state.dtype).view(-1, *[1] * (state.dim() - 1)).expand_as(state)

    event_of.__name__ = "event"
    return as_module(event_of, argument="event")
