"""The adaptive solve: per-sample step sizes, acceptance and end, samples that have ended leave the batch."""

from collections.abc import Callable

import torch
from torch import Tensor

from natrob_theory.adaptive.active import Active
from natrob_theory.adaptive.checkpointed_trial import RepeatedTrial, checkpointed_trial
from natrob_theory.adaptive.controller import SMALLEST_REMEMBERED
from natrob_theory.adaptive.embedded_method import EmbeddedMethod, Trial, is_transformed
from natrob_theory.adaptive.event import SPACINGS, Bracket, event_values, locate, with_event_time
from natrob_theory.adaptive.initial_step import initial_step_size
from natrob_theory.adaptive.jump_times import field_in_step
from natrob_theory.adaptive.record import SolveLog
from natrob_theory.adaptive.settings import Event, SolveSettings
from natrob_theory.adaptive.status import SolveStatus
from natrob_theory.adaptive.step_ends import ALLOWED_SHARE, StepEnds, StepPlanner
from natrob_theory.fields import ObservedField, WatchedField, WholeBatchFunction, evaluate_field
from natrob_theory.numbers.argument_checks import all_finite
from natrob_theory.numbers.tensor_types import Field
from natrob_theory.numbers.transformed import require_unmapped

StepObserver = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], None]
"""Called after every trial step with rows, t, h, y before it and the mask of accepted samples."""


def solve(
    field: Field, y0: Tensor, method: EmbeddedMethod, settings: SolveSettings, observer: StepObserver | None = None
) -> tuple[Tensor, SolveLog]:
    """y(T) of every sample, NaN for those that failed, and the log.

    Every sample has its own t_n, h_n and verdict on each trial step, and none of them looks at another sample: up to
    rounding inside the field (matrix products of different batch sizes round differently) a result does not depend
    on the batch. Steps end exactly at the jump times, at the output times and at `end_time`; t is kept in float64 and
    handed to the field in the state's dtype.

    Args:
        field: f(t, y) with t of shape (batch,).
        y0: (batch, *state).
        method: the embedded pair.
        settings: times, tolerances, limits.
        observer: is told of every trial step.
    """
    run = _Run(field, y0, method, settings, observer)
    for _ in range(settings.max_num_steps):
        if run.over:
            break
        run.try_step()
    return run.finish(), run.log


class _Run:
    """A solve under way."""

    def __init__(
        self, field: Field, y0: Tensor, method: EmbeddedMethod, settings: SolveSettings, observer: StepObserver | None
    ) -> None:
        checkpointed = settings.checkpointed and torch.is_grad_enabled() and not is_transformed(y0)
        self.observed = ObservedField(field) if checkpointed else None
        self.field = field if self.observed is None else self.observed
        self.method, self.settings, self.observer = method, settings, observer
        self.planner = StepPlanner(settings, y0, method.smallest_gap)
        self.log = SolveLog(
            y0,
            settings.start_time,
            keep_states=settings.keep_states,
            stages=method.tableau.stages,
            first_same_as_last=method.first_same_as_last,
        )
        self.ended: list[tuple[Tensor | None, Tensor]] = []
        self.over = False
        time = torch.full((len(y0),), settings.start_time, dtype=torch.float64, device=y0.device)
        self.whole_field = WholeBatchFunction(self.field, time, y0) if settings.whole_batch else None
        event = settings.event
        self.whole_event = WholeBatchFunction(event, time, y0) if event is not None and settings.whole_batch else None
        slope, step = self._started(None, time, y0)
        require_unmapped(slope)
        target = torch.zeros_like(time, dtype=torch.long) if len(self.planner.stops) > 1 else None
        sign = None if event is None else torch.sign(event_values(event, time, y0.detach()))
        self.active = Active(None, time, step, y0, slope, torch.ones_like(step), target=target, sign=sign)
        if not all_finite(slope.detach()):
            self._end({SolveStatus.NON_FINITE: ~torch.isfinite(slope.detach()).flatten(1).all(dim=1)})

    def try_step(self) -> None:
        """One trial step of every sample under way, and what follows from it."""
        settings, method = self.settings, self.method
        self._refresh()
        rows, time, proposed, state, old_slope, remembered, may_grow, _, target, sign = self.active
        ends = self.planner.ends(time, proposed, target)
        trial, unresolved = self._trial_and_resolution(ends)
        ratio = trial.error_ratio
        accepted = ratio <= 1.0
        all_accepted = bool(accepted.all())
        if self.observer is not None:
            self.observer(self.active.everybody(), time, ends.step, state.detach(), accepted)
        after, slope, later = trial.state, old_slope if trial.slope is None else trial.slope, ends.time
        at_end = self._at_end(ends)
        plain = unresolved is None and sign is None and all_accepted
        if plain and at_end is not None and bool(at_end.all()):
            self.log.note(rows, later, accepted, trial.error_norm, after)
            self._end_all(SolveStatus.REACHED_END, after)
            return
        change = settings.controller.factor(ratio, remembered, may_grow, method.error_order)
        remembered = ratio.clamp_min(SMALLEST_REMEMBERED)
        if not all_accepted:
            after, slope = self._merged(trial, accepted, ends)
            later = torch.where(accepted, later, time)
            change = torch.where(accepted, change, change.clamp_max(settings.controller.safety))
            remembered = torch.where(accepted, remembered, 1.0)
        following = self.planner.capped(change.mul_(ends.step).abs_())
        stale = None if method.first_same_as_last else accepted
        may_grow = None if all_accepted else accepted
        self.active = Active(rows, later, following, after, slope, remembered, may_grow, stale, target, sign)
        verdicts: dict[SolveStatus, Tensor] = {}
        going_on = accepted
        if unresolved is not None:
            verdicts[SolveStatus.TIME_RESOLUTION] = accepted & unresolved
            going_on = accepted & ~unresolved
        error_norm = trial.error_norm
        if sign is not None:
            verdicts[SolveStatus.EVENT], error_norm = self._meet_events(time, state, old_slope, going_on, error_norm)
            going_on = going_on & ~verdicts[SolveStatus.EVENT]
        self.log.note(rows, self.active.time, accepted, error_norm, self.active.state)
        if at_end is not None:
            verdicts[SolveStatus.REACHED_END] = going_on & at_end
        if not all_accepted:
            stuck = ~accepted & (following < self.planner.smallest_step)
            if unresolved is not None:
                verdicts[SolveStatus.TIME_RESOLUTION] |= stuck & unresolved
                stuck = stuck & ~unresolved
            finite = torch.isfinite(ratio)
            verdicts |= {SolveStatus.STEP_SIZE_UNDERFLOW: stuck & finite, SolveStatus.NON_FINITE: stuck & ~finite}
        if ends.at_stop is not None and target is not None:
            self._pass_stops(ends.at_stop & going_on, proposed)
        self._end(verdicts)

    def finish(self) -> Tensor:
        """The results in the batch's order; whoever is still under way has taken too many steps."""
        if not self.over:
            self._end({SolveStatus.TOO_MANY_STEPS: torch.ones_like(self.active.time, dtype=torch.bool)})
        if len(self.ended) == 1:
            return self.ended[0][1]
        rows = torch.cat([rows for rows, _ in self.ended if rows is not None])
        return torch.cat([state for _, state in self.ended])[torch.argsort(rows)]

    def _field_of(self, rows: Tensor | None) -> Field:
        """The field for states of these samples."""
        return self.field if self.whole_field is None else self.whole_field.at(rows)

    def _started(self, rows: Tensor | None, time: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """f(t, y) and the first |h| for samples that start at t, after a jump if there is one."""
        settings, planner = self.settings, self.planner
        limit = planner.left(time, settings.end_time)
        field = self._field_of(rows)
        if settings.jump_times:
            field = field_in_step(field, time, torch.full_like(time, settings.end_time), settings.jump_times)
        slope = evaluate_field(field, time, state)
        step = initial_step_size(
            field, time, state.detach(), slope.detach(), settings, limit=limit, order=self.method.error_order
        )
        return slope, planner.capped(step.clamp_min_(planner.smallest_start))

    def _refresh(self) -> None:
        """Evaluate f at the states that were reached by a method whose last stage is not there."""
        active = self.active
        if active.stale is None:
            return
        indices = active.stale.nonzero()[:, 0]
        slope = active.slope
        if len(indices) > 0:  # a field need not know what to do with no samples
            field = self._field_of(active.rows_at(indices))
            new = evaluate_field(field, active.time[indices], active.state[indices])
            slope = slope.index_copy(0, indices, new)
        self.active = active._replace(slope=slope, stale=None)

    def _at_end(self, ends: StepEnds) -> Tensor | None:
        """Which steps end at T; None if none does."""
        target = self.active.target
        if ends.at_stop is None or target is None:
            return ends.at_stop
        at_end = ends.at_stop & (target == len(self.planner.stops) - 1)
        return at_end if bool(at_end.any()) else None

    def _pass_stops(self, passed: Tensor, proposed: Tensor) -> None:
        """Let the samples that have reached a stop head for the next one, from a jump as from a start."""
        active, planner = self.active, self.planner
        assert active.target is not None
        passed = passed & (active.target < len(planner.stops) - 1)
        # The step was shortened to meet the stop; what was proposed before still stands.
        step = torch.where(passed, torch.maximum(active.step, proposed), active.step)
        self.active = active._replace(step=step, target=active.target + passed)
        if planner.jumps is None:
            return
        indices = (passed & planner.jumps[active.target]).nonzero()[:, 0]
        if len(indices) > 0:
            self._restart(indices)

    def _restart(self, indices: Tensor) -> None:
        """Go on from a jump with the slope after it and a first step of its own."""
        active = self.active
        rows, time, state = active.rows_at(indices), active.time[indices], active.state[indices]
        slope, step = self._started(rows, time, state)
        self.active = active._replace(
            slope=active.slope.index_copy(0, indices, slope),
            step=active.step.index_copy(0, indices, step),
            remembered=active.remembered.index_fill(0, indices, 1.0),
            stale=None if active.stale is None else active.stale.index_fill(0, indices, value=False),
        )
        self.log.note_evaluations(rows, 2 if self.method.first_same_as_last else 1)

    def _event_of(self, rows: Tensor | None) -> Event:
        """The event for states of these samples."""
        assert self.settings.event is not None
        return self.settings.event if self.whole_event is None else self.whole_event.at(rows)

    def _meet_events(
        self, time: Tensor, state: Tensor, slope: Tensor, going_on: Tensor, error_norm: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Bring the samples whose event changed its sign in this step back to it; which they are, and all errors.

        `time`, `state` and `slope` are those before the step.
        """
        after, old = self.active, self.active.sign
        assert old is not None
        with torch.no_grad():
            values = event_values(self._event_of(after.rows), after.time, after.state)
        sign = torch.sign(values)
        crossed = going_on & (old != 0) & (sign != old)
        self.active = after._replace(sign=torch.where(going_on & (sign != 0), sign, old))
        indices = crossed.nonzero()[:, 0]
        if len(indices) > 0:
            before = after._replace(time=time, state=state, slope=slope, stale=None).select(indices)
            error_norm = self._stop_at_event(before, indices, values[indices], error_norm)
        return crossed, error_norm

    def _stop_at_event(self, before: Active, indices: Tensor, values: Tensor, error_norm: Tensor) -> Tensor:
        """Replace a step by the one from `before` that ends at the event; the errors with those of the new steps."""
        active, event = self.active, self._event_of(before.rows)

        def step_to(size: Tensor, some: Active) -> Trial:
            later = some.time + size
            return self._trial_from(some, StepEnds(later, later - some.time, None, resolved=True))

        def value_at(size: Tensor, places: Tensor) -> Tensor:
            some = before.select(places)
            return event_values(self._event_of(some.rows), some.time + size, step_to(size, some).state).double()

        with torch.no_grad():
            start = event_values(event, before.time, before.state).double()
            size = active.time[indices] - before.time
            tolerance = SPACINGS * torch.finfo(before.state.dtype).eps * self.planner.largest_time
            bracket = Bracket(torch.zeros_like(size), size, start, values.double())
            size, tried = locate(value_at, bracket, tolerance)
        trial, time = step_to(size, before), before.time + size
        state, slope = trial.state, trial.slope
        if torch.is_grad_enabled():
            if slope is None:
                slope = evaluate_field(self._field_of(before.rows), time, state.detach())
            state = with_event_time(event, time, state, slope)
        self.active = active._replace(
            time=active.time.index_copy(0, indices, time), state=active.state.index_copy(0, indices, state)
        )
        self.log.note_evaluations(before.everybody(), (tried + 1) * (self.method.tableau.stages - 1))
        return error_norm.index_copy(0, indices, trial.error_norm)

    def _trial_and_resolution(self, ends: StepEnds) -> tuple[Trial, Tensor | None]:
        """A trial step, and for which samples the state's dtype is too coarse for its times; None: for none.

        Where t may be too coarse, the field is watched: one that does not look at t takes any step.
        """
        if ends.resolved:
            return self._trial(ends), None
        watched = WatchedField(self._field_of(self.active.rows))
        trial = self._trial(ends, watched=watched)
        too_small = ends.step.abs() < torch.finfo(trial.state.dtype).smallest_normal
        if watched.looks_at_time and trial.time_error is not None:
            share, effect = trial.time_error
            too_small |= ~(share <= ALLOWED_SHARE * self.method.smallest_gap) | (effect > 1.0)
        return trial, too_small if bool(too_small.any()) else None

    def _trial(self, ends: StepEnds, indices: Tensor | None = None, watched: WatchedField | None = None) -> Trial:
        """A trial step of the samples under way, or of those at `indices`."""
        if indices is None:
            return self._trial_from(self.active, ends, watched)
        some = StepEnds(ends.time[indices], ends.step[indices], None, resolved=True)
        return self._trial_from(self.active.select(indices), some)

    def _trial_from(self, active: Active, ends: StepEnds, watched: WatchedField | None = None) -> Trial:
        """A trial step of these samples."""
        settings = self.settings
        own = self._field_of(active.rows) if watched is None else watched
        field = field_in_step(own, active.time, ends.time, settings.jump_times)

        start, with_time_error = (active.time, ends.step, active.state, active.slope), watched is not None
        if self.observed is not None:
            trial = RepeatedTrial(self.observed, field, self.method, settings, with_time_error=with_time_error)
            return checkpointed_trial(trial, *start)
        return self.method.trial(field, *start, rtol=settings.rtol, atol=settings.atol, with_time_error=with_time_error)

    def _merged(self, trial: Trial, accepted: Tensor, ends: StepEnds) -> tuple[Tensor, Tensor]:
        """y and f(t, y) after the trial: new where accepted, old where not.

        With gradients, a rejected row that is not finite would turn the field's parameter gradients into NaN (0·∞),
        so the accepted rows are then computed again without it.
        """
        state, slope = self.active.state, self.active.slope
        winners = accepted.nonzero()[:, 0]
        if len(winners) == 0:
            return state, slope
        new_state, new_slope = trial.state, trial.slope
        if torch.is_grad_enabled() and not bool(torch.isfinite(trial.error_ratio).all()):
            again = self._trial(ends, winners)
            new_state = state.index_copy(0, winners, again.state)
            new_slope = None if again.slope is None else slope.index_copy(0, winners, again.slope)
        mask = accepted.view(-1, *[1] * (state.dim() - 1))
        return (
            torch.where(mask, new_state, state),
            slope if new_slope is None else torch.where(mask, new_slope, slope),
        )

    def _end(self, verdicts: dict[SolveStatus, Tensor]) -> None:
        """Let the samples go whose solve has ended, with their results."""
        gone = None
        for status, mask in verdicts.items():
            indices = mask.nonzero()[:, 0]
            if len(indices) == 0:
                continue
            if len(indices) == len(mask):
                self._end_all(status, self.active.state)
                return
            gone = mask if gone is None else gone | mask
            self._note_end(status, self.active.rows_at(indices), self.active.state.index_select(0, indices))
        if gone is not None:
            self.active = self.active.select((~gone).nonzero()[:, 0])
            self.over = len(self.active.time) == 0

    def _end_all(self, status: SolveStatus, state: Tensor) -> None:
        """Let all go who are under way."""
        self._note_end(status, self.active.rows, state)
        self.over = True

    def _note_end(self, status: SolveStatus, rows: Tensor | None, state: Tensor) -> None:
        self.log.end(rows, status)
        self.ended.append((rows, torch.full_like(state, torch.nan) if status.failed else state))
