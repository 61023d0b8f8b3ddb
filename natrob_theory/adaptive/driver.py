"""The adaptive solve: per-sample step sizes, acceptance and end, samples that have ended leave the batch."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from natrob_theory.adaptive.checkpointed_trial import RepeatedTrial, checkpointed_trial
from natrob_theory.adaptive.controller import SMALLEST_REMEMBERED, PIController
from natrob_theory.adaptive.embedded_method import EmbeddedMethod, Trial, is_transformed
from natrob_theory.adaptive.initial_step import initial_step_size
from natrob_theory.adaptive.record import SolveLog
from natrob_theory.adaptive.status import SolveStatus
from natrob_theory.argument_checks import all_finite
from natrob_theory.fields import ObservedField, evaluate_field
from natrob_theory.tensor_types import Field

STRETCH = 1.05
"""A last step is made up to 5 % longer than proposed rather than followed by a tiny one: (0.9·1.05)⁵ < 1."""


@dataclass(frozen=True, kw_only=True)
class SolveSettings:
    """What stays the same over a solve.

    Attributes:
        start_time, end_time: t_0 < T.
        rtol, atol: of the error control, > 0.
        max_num_steps: trial steps of a sample, accepted and rejected, after which it has failed.
        controller: of the step size.
        keep_states: whether the log keeps the state after every step.
        checkpointed: whether backward recomputes each step instead of keeping its stages.
    """

    start_time: float
    end_time: float
    rtol: float
    atol: float
    max_num_steps: int
    controller: PIController = field(default_factory=PIController)
    keep_states: bool = False
    checkpointed: bool = False


StepObserver = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], None]
"""Called after every trial step with rows, t, h, y before it and the mask of accepted samples."""


class _Active(NamedTuple):
    """The samples under way.

    Attributes:
        rows: where in the batch they are; None: they are all of it.
        time, step, state: t_n, the step to try, y_n.
        slope: f(t_n, y_n), but for the rows that are stale.
        remembered: the error ratio of the step before.
        may_grow: False after a rejection; None: True for all.
        stale: whether `slope` is still that of the step before; None: for none.
    """

    rows: Tensor | None
    time: Tensor
    step: Tensor
    state: Tensor
    slope: Tensor
    remembered: Tensor
    may_grow: Tensor | None
    stale: Tensor | None

    def select(self, indices: Tensor) -> "_Active":
        """Only these of them."""
        return _Active(
            rows=self.rows_at(indices),
            time=self.time.index_select(0, indices),
            step=self.step.index_select(0, indices),
            state=self.state.index_select(0, indices),
            slope=self.slope.index_select(0, indices),
            remembered=self.remembered.index_select(0, indices),
            may_grow=None if self.may_grow is None else self.may_grow.index_select(0, indices),
            stale=None if self.stale is None else self.stale.index_select(0, indices),
        )

    def rows_at(self, indices: Tensor) -> Tensor:
        """Rows in the batch of the samples at these positions."""
        return indices if self.rows is None else self.rows[indices]


def solve(
    field: Field, y0: Tensor, method: EmbeddedMethod, settings: SolveSettings, observer: StepObserver | None = None
) -> tuple[Tensor, SolveLog]:
    """y(T) of every sample, NaN for those that failed, and the log.

    Every sample has its own t_n, h_n and verdict on each trial step, and none of them looks at another sample: up to
    rounding inside the field (matrix products of different batch sizes round differently) a result does not depend
    on the batch. The last step ends exactly at `end_time`.

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
        self.log = SolveLog(
            y0,
            settings.start_time,
            keep_states=settings.keep_states,
            stages=method.tableau.stages,
            first_same_as_last=method.first_same_as_last,
        )
        self.ended: list[tuple[Tensor | None, Tensor]] = []
        self.over = False
        span = settings.end_time - settings.start_time
        resolution = torch.finfo(y0.dtype).eps * max(abs(settings.start_time), abs(settings.end_time), span)
        self.smallest_step = 4.0 * resolution
        time = torch.full((len(y0),), settings.start_time, dtype=torch.float64, device=y0.device)
        slope = evaluate_field(self.field, time, y0)
        step = initial_step_size(
            field, time, y0.detach(), slope.detach(), span=span, rtol=settings.rtol, atol=settings.atol,
            order=method.error_order,
        )  # fmt: skip
        self.active = _Active(None, time, step, y0, slope, torch.ones_like(step), None, None)
        if not all_finite(slope.detach()):
            self._end({SolveStatus.NON_FINITE: ~torch.isfinite(slope.detach()).flatten(1).all(dim=1)})

    def try_step(self) -> None:
        """One trial step of every sample under way, and what follows from it."""
        settings, method = self.settings, self.method
        self._refresh()
        rows, time, _, state, old_slope, remembered, may_grow, _ = self.active
        step, is_last = self._fitted()
        trial = self._trial(step)
        ratio = trial.error_ratio
        accepted = ratio <= 1.0
        all_accepted = bool(accepted.all())
        if self.observer is not None:
            everybody = torch.arange(len(time), device=time.device)
            self.observer(everybody if rows is None else rows, time, step, state.detach(), accepted)
        after, slope = trial.state, old_slope if trial.slope is None else trial.slope
        later = time + step
        if is_last is not None:
            later.masked_fill_(is_last, settings.end_time)
            if all_accepted and bool(is_last.all()):
                self.log.note(rows, later, accepted, trial.error_norm, after)
                self._end_all(SolveStatus.REACHED_END, after)
                return
        change = settings.controller.factor(ratio, remembered, may_grow, method.error_order)
        remembered = ratio.clamp_min(SMALLEST_REMEMBERED)
        if not all_accepted:
            after, slope = self._merged(trial, accepted, step)
            later = torch.where(accepted, later, time)
            change = torch.where(accepted, change, change.clamp_max(settings.controller.safety))
            remembered = torch.where(accepted, remembered, 1.0)
        following = step * change
        self.log.note(rows, later, accepted, trial.error_norm, after)
        stale = None if method.first_same_as_last else accepted
        self.active = _Active(
            rows, later, following, after, slope, remembered, None if all_accepted else accepted, stale
        )
        verdicts: dict[SolveStatus, Tensor] = {}
        if is_last is not None:
            verdicts[SolveStatus.REACHED_END] = accepted & is_last
        if not all_accepted:
            stuck = ~accepted & (following < self.smallest_step)
            finite = torch.isfinite(ratio)
            verdicts |= {SolveStatus.STEP_SIZE_UNDERFLOW: stuck & finite, SolveStatus.NON_FINITE: stuck & ~finite}
        self._end(verdicts)

    def finish(self) -> Tensor:
        """The results in the batch's order; whoever is still under way has taken too many steps."""
        if not self.over:
            self._end({SolveStatus.TOO_MANY_STEPS: torch.ones_like(self.active.time, dtype=torch.bool)})
        if len(self.ended) == 1:
            return self.ended[0][1]
        rows = torch.cat([rows for rows, _ in self.ended if rows is not None])
        return torch.cat([state for _, state in self.ended])[torch.argsort(rows)]

    def _refresh(self) -> None:
        """Evaluate f at the states that were reached by a method whose last stage is not there."""
        active = self.active
        if active.stale is None:
            return
        indices = active.stale.nonzero()[:, 0]
        slope = evaluate_field(self.field, active.time[indices], active.state[indices])
        self.active = active._replace(slope=active.slope.index_copy(0, indices, slope), stale=None)

    def _fitted(self) -> tuple[Tensor, Tensor | None]:
        """The steps to try, made to end exactly at T, and which of them do; None if all are far from it.

        Where less than two steps are left, they are made equal: no tiny step at the end.
        """
        remaining = self.settings.end_time - self.active.time
        step = self.active.step
        if bool((remaining > 2.0 * step).all()):
            return step, None
        is_last = remaining <= STRETCH * step
        return torch.where(is_last, remaining, torch.minimum(step, 0.5 * remaining)), is_last

    def _trial(self, step: Tensor, indices: Tensor | None = None) -> Trial:
        """A trial step of the samples under way, or of those at `indices`."""
        active = self.active if indices is None else self.active.select(indices)
        step = step if indices is None else step[indices]

        start, settings = (active.time, step, active.state, active.slope), self.settings
        if self.observed is not None:
            trial = RepeatedTrial(self.observed, self.method, rtol=settings.rtol, atol=settings.atol)
            return checkpointed_trial(trial, *start)
        return self.method.trial(self.field, *start, rtol=settings.rtol, atol=settings.atol)

    def _merged(self, trial: Trial, accepted: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
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
            again = self._trial(step, winners)
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
        self.ended.append((rows, state if status is SolveStatus.REACHED_END else torch.full_like(state, torch.nan)))
