"""StackedNeuralODE: adaptive solves one after the other, each with a field of its own."""

from collections.abc import Sequence
from typing import Any, final

import torch
from torch import Tensor, nn

from natrob_theory.adaptive import SolveRecord, SolveStatus
from natrob_theory.networks.abstract_net import AbstractIntegratorNet, StepPlan
from natrob_theory.networks.neural_ode import NeuralODE
from natrob_theory.networks.trajectory import Trajectory
from natrob_theory.numbers.argument_checks import require_finite
from natrob_theory.numbers.tensor_types import Field


@final
class StackedNeuralODE(AbstractIntegratorNet):
    """y(T) for dy/dt = f_n(t, y) on the n-th of N equal parts of the time span: parameters that are constant in each.

    Every part is a `NeuralODE` and ends exactly where the next one begins. So no step crosses a jump of the field.

    Args:
        fields: f_1, …, f_N.
        end_time: T.
        start_time: t_0.
        settings: of every part, as `NeuralODE` takes them.

    Raises:
        TypeError, ValueError: no field, or as for `NeuralODE`.

    Source: Massaroli et al., "Dissecting neural ODEs", NeurIPS 2020 ("stacked").
    """

    def __init__(
        self, fields: Sequence[Field], end_time: float = 1.0, *, start_time: float = 0.0, **settings: Any
    ) -> None:
        super().__init__()
        if len(fields) == 0:
            raise ValueError("`fields` must hold at least one field, got none")
        self.start_time = require_finite("start_time", start_time)
        self.end_time = require_finite("end_time", end_time)
        span = self.end_time - self.start_time
        ends = [self.start_time + span * place / len(fields) for place in range(len(fields))] + [self.end_time]
        self.solves = nn.ModuleList(
            NeuralODE(field, ends[place + 1], start_time=ends[place], **settings) for place, field in enumerate(fields)
        )
        self.stepper = self.parts[0].stepper
        self.tableau = self.parts[0].tableau

    @property
    def parts(self) -> tuple[NeuralODE, ...]:
        """The solves in order."""
        return tuple(solve for solve in self.solves if isinstance(solve, NeuralODE))

    @property
    def fields(self) -> tuple[nn.Module, ...]:
        """The fields in order."""
        return tuple(part.field for part in self.parts)

    @property
    def last_solve(self) -> SolveRecord | None:
        """The records of the last solves as one; None before the first. Raises ValueError for parts run apart."""
        records = [part.last_solve for part in self.parts]
        known = [record for record in records if record is not None]
        if not known:
            return None
        if len(known) < len(records) or len({record.samples for record in known}) > 1:
            raise ValueError("the parts of this StackedNeuralODE were run apart: run the whole on a batch first")
        return _joined(known)

    def forward(self, y0: Tensor) -> Tensor:
        """y(T) from y(t_0), both of shape (batch, *state). Raises as `NeuralODE` does."""
        state = y0
        for part in self.parts:
            state = part(state)
        return state

    def trajectory(self, y0: Tensor) -> Trajectory:
        """All accepted times and states, those at which two parts meet once. Raises as `NeuralODE` does."""
        runs: list[Trajectory] = []
        for part in self.parts:
            runs.append(part.trajectory(runs[-1].states[-1] if runs else y0))
        return Trajectory(
            times=torch.cat([runs[0].times[:1], *(run.times[1:] for run in runs)]),
            states=torch.cat([runs[0].states[:1], *(run.states[1:] for run in runs)]),
        )

    def plan(self) -> list[StepPlan]:
        """The accepted steps of the last solves."""
        return [step for part in self.parts for step in part.plan()]

    @torch.no_grad()
    def plan_for(self, y0: Tensor) -> list[StepPlan]:
        """The steps that solves from y_0 accept."""
        self.forward(y0)
        return self.plan()

    def growth_source(self) -> tuple[str, tuple[str, ...]]:
        """The growth polynomial of the tableau over the recorded grids."""
        return self.parts[0].growth_source()


def _joined(records: Sequence[SolveRecord]) -> SolveRecord:
    """One record of solves that follow each other; a sample's status is that of the first part that failed it."""
    estimates = [record.error_estimates for record in records]
    kept = [estimate for estimate in estimates if estimate is not None]
    times = [record.times for record in records]
    statuses = zip(*(record.status for record in records), strict=True)
    return SolveRecord(
        times=torch.cat([times[0][:1], *(some[1:] for some in times)]),
        error_estimates=torch.cat(kept) if len(kept) == len(estimates) else None,
        accepted=torch.stack([record.accepted for record in records]).sum(dim=0),
        rejected=torch.stack([record.rejected for record in records]).sum(dim=0),
        evaluations=torch.stack([record.evaluations for record in records]).sum(dim=0),
        status=tuple(_first_failure(parts) for parts in statuses),
        native=all(record.native for record in records),
    )


def _first_failure(statuses: Sequence[SolveStatus]) -> SolveStatus:
    return next((status for status in statuses if status.failed), statuses[-1])
