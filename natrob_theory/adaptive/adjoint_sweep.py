"""The way back: the adjoint equation over the accepted steps of the solve, from the last to the first."""

import math
from typing import Final, NamedTuple, final

import torch
from torch import Tensor

from natrob_theory.adaptive.accepted_steps import AcceptedSteps
from natrob_theory.adaptive.controller import SMALLEST_REMEMBERED
from natrob_theory.adaptive.embedded_method import EmbeddedMethod
from natrob_theory.adaptive.field_pull import Evaluation, FieldPull
from natrob_theory.adaptive.jump_times import field_in_step
from natrob_theory.adaptive.settings import SolveSettings
from natrob_theory.adaptive.status import IntegrationError, SolveStatus, describe_adjoint_failure
from natrob_theory.adaptive.step_ends import STRETCH
from natrob_theory.adaptive.step_interpolant import StepInterpolant, step_interpolant
from natrob_theory.fields import evaluate_field
from natrob_theory.numbers.tensor_types import Field

SPACINGS_OF_TOLERANCE: Final = 64.0
"""The relative tolerance of a is at least this many spacings of its dtype at 1."""

SPACINGS_OF_PIECE: Final = 4.0
"""A piece is at least this many spacings of an accepted step; one that short is taken whatever its error."""


class _Under(NamedTuple):
    """The samples under way, each inside one accepted step.

    Attributes:
        rows: where in the batch they are.
        place: where in the result they are.
        point: n of the accepted step from t_n to t_{n+1} that is gone back over; −1 at the start.
        passed: how much of |h_n| is behind, float64.
        step: the piece to try, > 0, float64.
        adjoint: a.
        slope: da/ds, s = |t_{n+1} − t|.
        remembered: the error ratio of the piece before.
        may_grow: False after a rejection.
        trials: pieces tried in this accepted step.
    """

    rows: Tensor
    place: Tensor
    point: Tensor
    passed: Tensor
    step: Tensor
    adjoint: Tensor
    slope: Tensor
    remembered: Tensor
    may_grow: Tensor
    trials: Tensor

    def select(self, indices: Tensor) -> "_Under":
        """Only these of them."""
        return _Under(*(entry.index_select(0, indices) for entry in self))


class _Step(NamedTuple):
    """The accepted steps that the samples are in: t at their ends, h = later − earlier, and y(θ) between."""

    earlier: Tensor
    later: Tensor
    size: Tensor
    inside: StepInterpolant

    def select(self, indices: Tensor) -> "_Step":
        """Those of some samples only."""
        earlier, later, size = (entry.index_select(0, indices) for entry in self[:3])
        return _Step(earlier, later, size, self.inside.select(indices))

    def replaced(self, indices: Tensor, others: "_Step") -> "_Step":
        """A copy with others for some samples."""
        times = [entry.index_copy(0, indices, other) for entry, other in zip(self[:3], others[:3], strict=True)]
        return _Step(times[0], times[1], times[2], self.inside.replaced(indices, others.inside))


@final
class AdjointSweep:
    """da/dt = −(∂f/∂y)ᵀa from T to t_0 with y from the accepted steps, and ∫ aᵀ ∂f/∂θ dt.

    y is never integrated backward. Every accepted step is gone back over by one or more pieces, whose sizes follow
    the error of a: relative to a itself, entry by entry down to its root mean square, and to the same in the scale
    atol + rtol·max|y| of the entries. The integral is the quadrature of the method's weights on these pieces.

    Args:
        field, method, settings: of the solve.
        steps: the accepted steps.
        pull: the field's tensors and the sums of their gradients, which the sweep adds to.
    """

    def __init__(
        self, field: Field, method: EmbeddedMethod, settings: SolveSettings, steps: AcceptedSteps, pull: FieldPull
    ) -> None:
        self.field, self.method, self.settings, self.steps, self.pull = field, method, settings, steps, pull
        limits = torch.finfo(steps.states.dtype)
        self.rtol = max(float(torch.as_tensor(settings.rtol).min()), SPACINGS_OF_TOLERANCE * limits.eps)
        self.smallest_piece = SPACINGS_OF_PIECE * limits.eps
        self.tiny = limits.tiny / limits.eps
        self.scale = settings.atol + settings.rtol * steps.largest
        self.sign = 1.0 if settings.end_time > settings.start_time else -1.0
        self.step: _Step | None = None
        self.before: Evaluation | None = None
        self.inner_field: Field = field

    def run(self, rows: Tensor, gradient: Tensor) -> Tensor:
        """a(t_0) from a(T) = `gradient` of the samples `rows`, both (len(rows), *state).

        Raises:
            IntegrationError: more than `max_num_steps` pieces in one accepted step, or a that is not finite.
        """
        self.result = gradient.clone()
        ones = torch.ones(len(rows), dtype=torch.float64, device=rows.device)
        zeros = torch.zeros_like(rows)
        point = self.steps.counts[rows] - 1
        self.under = _Under(
            rows, torch.arange(len(rows), device=rows.device), point, 0.0 * ones, torch.inf * ones, gradient, gradient,
            ones, ones > 0, zeros,
        )  # fmt: skip
        self.start: Evaluation | None = None
        self._release()
        while len(self.under.rows) > 0:
            self._enter((self.under.trials == 0).nonzero()[:, 0])
            self._try_piece()
            self._release()
        return self.result

    def _release(self) -> None:
        """Let the samples go that are back at the start, with their results."""
        gone = self.under.point < 0
        if not bool(gone.any()):
            return
        self.result[self.under.place[gone]] = self.under.adjoint[gone]
        if self.start is not None:
            self.pull.settle([self.start])
            self.start = None
        left = (~gone).nonzero()[:, 0]
        self.under = self.under.select(left)
        self.step = None if self.step is None else self.step.select(left)

    def _enter(self, indices: Tensor) -> None:
        """Make ready the accepted steps that these samples enter, and the evaluation where every sample is."""
        under = self.under
        self.before = None
        if len(indices) == len(under.rows) or self.step is None:
            self.step = self._entered(under.rows, under.point, together=True)
        elif len(indices) > 0:
            others = self._entered(under.rows[indices], under.point[indices], together=False)
            self.step = self.step.replaced(indices, others)
        self.inner_field = self._field_in(self.step.earlier, self.step.later)
        if self.start is None:
            self.start = self.pull.evaluate(self.inner_field, *self._point(under.passed))
            self.pull.require_known(self.start)
            self.under = under._replace(slope=self.sign * self.start.pull(under.adjoint))

    def _entered(self, rows: Tensor, point: Tensor, *, together: bool) -> _Step:
        """The steps from `point` of these samples; where all enter together, the evaluations at the ends are kept."""
        steps = self.steps
        earlier, later = steps.time(rows, point), steps.time(rows, point + 1)
        ends = steps.state(rows, point), steps.state(rows, point + 1)
        size = later - earlier
        factor = _like(size, ends[0])
        field = self._field_in(earlier, later)

        def slope(time: Tensor, state: Tensor) -> Tensor:
            with torch.no_grad():
                return evaluate_field(field, time, state)

        if together:
            self.before = self.pull.evaluate(field, earlier, ends[0])
            self.pull.require_known(self.before)
        first = slope(earlier, ends[0]) if self.before is None else self.before.slope.detach()
        last = slope(later, ends[1]) if self.start is None or not together else self.start.slope.detach()
        inside = step_interpolant(
            ends,
            (factor * first, factor * last),
            lambda theta, state: factor * slope(earlier + theta * size, state),
            self.method.tableau.order,
        )
        return _Step(earlier, later, size, inside)

    def _field_in(self, earlier: Tensor, later: Tensor) -> Field:
        """The field as these accepted steps saw it: on their own side of a jump."""
        return field_in_step(self.field, earlier, later, self.settings.jump_times)

    def _point(self, passed: Tensor) -> tuple[Tensor, Tensor]:
        """t and y where so much of the accepted steps is behind."""
        step = self.step
        assert step is not None
        theta = (1.0 - passed / step.size.abs()).clamp(0.0, 1.0)
        return step.earlier + theta * step.size, step.inside.at(_like(theta, step.inside.start))

    def _try_piece(self) -> None:
        """One piece of every sample under way, and what follows from it."""
        assert self.step is not None
        under, length = self.under, self.step.size.abs()
        left = length - under.passed
        at_end = under.step * STRETCH >= left
        step = torch.where(at_end, left, torch.minimum(under.step, 0.5 * left))
        stages = _Stages(self, step, at_end)
        trial = self.method.trial(
            stages, under.passed, step, under.adjoint, under.slope, rtol=self.rtol, atol=self._floor(under)
        )
        ratio = trial.error_ratio
        smallest = self.smallest_piece * length
        finite = torch.isfinite(ratio)
        accepted = (ratio <= 1.0) | (finite & (step <= smallest))
        self._require_progress(accepted, finite, step <= smallest)
        all_accepted = bool(accepted.all())
        self._settle(stages, step, accepted, all_accepted)
        carried = stages.last is not None and self.start is stages.last
        change = self.settings.controller.factor(ratio, under.remembered, under.may_grow, self.method.error_order)
        following = torch.where(accepted, step * change, step * change.clamp_max(self.settings.controller.safety))
        moved = accepted & at_end
        # The piece was cut to meet the step's end; what was proposed before still stands.
        following = torch.where(moved, torch.maximum(following, under.step), following)
        self.under = under._replace(
            point=under.point - moved.long(),
            passed=torch.where(moved, 0.0, torch.where(accepted, under.passed + step, under.passed)),
            step=torch.maximum(following, smallest),
            adjoint=trial.state
            if all_accepted
            else torch.where(_like(accepted, trial.state) > 0, trial.state, under.adjoint),
            slope=trial.slope if carried and trial.slope is not None else under.slope,
            remembered=torch.where(accepted, ratio.clamp_min(SMALLEST_REMEMBERED), 1.0),
            may_grow=accepted,
            trials=(under.trials + 1).masked_fill(moved, 0),
        )

    def _settle(self, stages: "_Stages", step: Tensor, accepted: Tensor, all_accepted: bool) -> None:
        """Add h Σ bᵢ aᵢᵀ ∂f/∂θ of the accepted pieces to the sums; keep the evaluation that the next one starts at."""
        assert self.start is not None
        if not bool(accepted.any()):
            return
        share = _like(torch.where(accepted, self.sign * step, 0.0), self.under.adjoint)
        points = [(self.start, self.under.adjoint), *stages.evaluations]
        for weight, (evaluation, adjoint) in zip(self.method.tableau.b, points, strict=True):
            if weight != 0:
                weighted = adjoint * (float(weight) * share)
                evaluation.add(weighted if all_accepted else weighted.masked_fill(_like(~accepted, weighted) > 0, 0.0))
        carries = all_accepted and self.method.first_same_as_last and not self.settings.jump_times
        kept = stages.last if carries else None
        due = {id(evaluation): evaluation for evaluation, _ in points if evaluation is not kept}
        self.pull.settle(list(due.values()))
        self.start = kept

    def _floor(self, under: _Under) -> Tensor:
        """The absolute tolerance of every entry of a."""
        scale = self.scale[under.rows]
        size = _root_mean_square(under.adjoint)
        scaled = _root_mean_square(under.adjoint * scale)
        return (self.rtol * torch.minimum(size, scaled / scale)).clamp_min(self.tiny)

    def _require_progress(self, accepted: Tensor, finite: Tensor, smallest: Tensor) -> None:
        """Raise IntegrationError for a sample that can go back no further."""
        spoilt = ~accepted & ~finite & smallest
        slow = ~accepted & (self.under.trials >= self.settings.max_num_steps)
        for failed, status in ((spoilt, SolveStatus.NON_FINITE), (slow, SolveStatus.TOO_MANY_STEPS)):
            if bool(failed.any()):
                assert self.step is not None
                time, count = float(self.step.later[failed][0]), int(failed.sum())
                message = describe_adjoint_failure(status, time, self.settings.end_time, count, len(self.steps.counts))
                raise IntegrationError(message, status=(status,) * count)


class _Stages:
    """da/ds of one piece as the method asks for it; remembers the evaluations of f and the a of each stage."""

    def __init__(self, sweep: AdjointSweep, step: Tensor, at_end: Tensor) -> None:
        self.sweep, self.step, self.at_end = sweep, step, at_end
        self.evaluations: list[tuple[Evaluation, Tensor]] = []
        self.last: Evaluation | None = None

    def __call__(self, moment: Tensor, adjoint: Tensor) -> Tensor:
        """(∂f/∂y)ᵀa, with the sign of time, at s = `moment`."""
        node = self.sweep.method.tableau.c[len(self.evaluations) + 1]
        evaluation = self._at_piece_end() if node == 1 else self._inside(float(node))
        self.evaluations.append((evaluation, adjoint))
        return self.sweep.sign * evaluation.pull(adjoint)

    def _inside(self, node: float) -> Evaluation:
        sweep = self.sweep
        return sweep.pull.evaluate(sweep.inner_field, *sweep._point(sweep.under.passed + node * self.step))

    def _at_piece_end(self) -> Evaluation:
        """Where all pieces end with their accepted steps, f is known there."""
        sweep = self.sweep
        assert sweep.step is not None
        if self.last is None and sweep.before is not None and bool(self.at_end.all()):
            self.last = sweep.before
        if self.last is None:
            time, state = sweep._point(sweep.under.passed + self.step)
            time = torch.where(self.at_end, sweep.step.earlier, time)
            state = torch.where(_like(self.at_end, state) > 0, sweep.step.inside.start, state)
            self.last = sweep.pull.evaluate(sweep.inner_field, time, state)
        return self.last


def _like(values: Tensor, state: Tensor) -> Tensor:
    """One value a sample, as a factor of states."""
    return values.to(state.dtype).view(-1, *[1] * (state.dim() - 1))


def _root_mean_square(values: Tensor) -> Tensor:
    """Root mean square of each sample's entries, (batch, 1, …); neither over- nor underflows on the way."""
    flat = values.flatten(1)
    largest = flat.abs().amax(dim=1, keepdim=True).clamp_min(torch.finfo(values.dtype).tiny)
    result = largest * torch.linalg.vector_norm(flat / largest, dim=1, keepdim=True) / math.sqrt(flat.shape[1])
    return result.view(-1, *[1] * (values.dim() - 1))
