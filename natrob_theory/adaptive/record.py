"""The record of an adaptive solve: grids, rejections, evaluations and how it ended, per sample."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from natrob_theory.adaptive.status import SolveStatus


@dataclass(frozen=True, kw_only=True)
class SolveRecord:
    """The record of an adaptive solve, sample by sample.

    Attributes:
        times: the accepted times t_0 < … < t_N of each sample, falling where the solve goes backward in time,
            (points, batch), float64; a sample that has ended repeats its last entry. (points,) where the batch shares
            its grid (torchdiffeq). The last entry is exactly the end time, unless the sample failed or ended at its
            event, which is then the last entry. Every jump time and every output time on the way is an entry, exactly.
            Step n was computed with h = t_{n+1} − t_n in float64, rounded to the state's dtype; neither these nor the
            exact difference exceed `max_step_size`.
        error_estimates: ‖y_{n+1} − ŷ_{n+1}‖₂ of each accepted step, (points − 1, batch), 0 after a sample's end:
            *estimates* of the local error, no bounds. None where the solver does not tell (torchdiffeq).
        accepted, rejected: trial steps, (batch,).
        evaluations: field evaluations (NFE), (batch,).
        status: how each sample's solve ended.
        native: whether the loop in C++ took the steps (`natrob_theory.native`), to the same values.
    """

    times: Float[Tensor, "points *grid"]
    error_estimates: Float[Tensor, "steps batch"] | None
    accepted: Int[Tensor, " batch"]
    rejected: Int[Tensor, " batch"]
    evaluations: Int[Tensor, " batch"]
    status: tuple[SolveStatus, ...]
    native: bool = False

    @property
    def samples(self) -> int:
        """The size of the batch."""
        return len(self.status)

    @property
    def failed(self) -> bool:
        """Whether a sample reached neither the end nor its event."""
        return any(status.failed for status in self.status)


class _Attempt(NamedTuple):
    """One trial step of the samples `rows` (None: all), and the times after it."""

    rows: Tensor | None
    times: Tensor
    accepted: Tensor
    error_norms: Tensor


class SolveLog:
    """The notes a running solve takes; putting them in order waits until somebody asks.

    Args:
        y0: (batch, *state), where the solve starts.
        start_time: t_0.
        keep_states: whether `note` is given the states; without them nothing here belongs to an autograd graph.
        stages: s of the method.
        first_same_as_last: whether a step's last stage is the next one's first.
        outcome: a finished solve in C++, `Outcome` of adaptive.h, whose notes these are; nothing is added to them.
    """

    def __init__(
        self,
        y0: Tensor,
        start_time: float,
        *,
        keep_states: bool,
        stages: int,
        first_same_as_last: bool,
        outcome: Any = None,
    ) -> None:
        self._start_time = start_time
        self._stages = stages
        self._first_same_as_last = first_same_as_last
        self._outcome = outcome
        self._native = outcome is not None
        self._attempts: list[_Attempt] = []
        self._further_evaluations: Tensor | int = 0
        self._states: list[Tensor] | None
        if outcome is None:
            self._states = [y0] if keep_states else None
            self.status = torch.full((len(y0),), int(SolveStatus.TOO_MANY_STEPS), device=y0.device)
        else:
            self._states = outcome.states if keep_states else None
            self.status = outcome.status

    def __getstate__(self) -> dict[str, object]:
        """The notes without the compiled outcome, which can be neither copied nor pickled."""
        return vars(self) | {"_outcome": None, "_attempts": self._all_attempts()}

    def note(self, rows: Tensor | None, times: Tensor, accepted: Tensor, error_norms: Tensor, states: Tensor) -> None:
        """Take down a trial step of the samples `rows` (None: all); times and states are those after it."""
        self._attempts.append(_Attempt(rows, times, accepted, error_norms))
        if self._states is not None:
            self._states.append(states)

    def note_evaluations(self, rows: Tensor, count: int | Tensor) -> None:
        """Take down evaluations of the samples `rows` besides those of trial steps."""
        added = torch.zeros_like(self.status)
        added[rows] = count
        self._further_evaluations = self._further_evaluations + added

    def end(self, rows: Tensor | None, status: SolveStatus) -> None:
        """Take down how the samples `rows` (None: all) ended."""
        if rows is None:
            self.status.fill_(int(status))
        else:
            self.status[rows] = int(status)

    @property
    def failed(self) -> bool:
        """Whether a sample reached neither the end nor its event."""
        return not bool(self.ended_well.all()) if self._outcome is None else self._outcome.failed

    @property
    def ended_well(self) -> Tensor:
        """Which samples reached the end or their event, (batch,)."""
        return (self.status == int(SolveStatus.REACHED_END)) | (self.status == int(SolveStatus.EVENT))

    def record(self) -> SolveRecord:
        """The notes in order."""
        attempts = self._all_attempts()
        source, accepted, tried = self._sources(attempts)
        start = torch.full(self.status.shape, self._start_time, dtype=torch.float64, device=self.status.device)
        times = torch.cat([start, *(attempt.times for attempt in attempts)])
        errors = torch.cat([torch.zeros_like(start), *(attempt.error_norms for attempt in attempts)])
        repeats = torch.arange(len(source), device=source.device)[1:, None] > accepted
        extra = 0 if self._first_same_as_last else accepted - self.ended_well.long()
        return SolveRecord(
            times=times[source],
            error_estimates=errors[source[1:]].masked_fill(repeats, 0.0),
            accepted=accepted,
            rejected=tried - accepted,
            evaluations=2 + tried * (self._stages - 1) + extra + self._further_evaluations,
            status=tuple(SolveStatus(code) for code in self.status.tolist()),
            native=self._native,
        )

    def states(self) -> Tensor:
        """The states at the accepted times, (points, batch, *state), with their gradients."""
        assert self._states is not None
        return torch.cat(self._states)[self._sources(self._all_attempts())[0]]

    def _all_attempts(self) -> list[_Attempt]:
        if self._outcome is None:
            return self._attempts
        return [_Attempt(one.rows, one.times, one.accepted, one.error_norms) for one in self._outcome.attempts]

    def _sources(
        self, attempts: list[_Attempt]
    ) -> tuple[Int[Tensor, "points batch"], Int[Tensor, " batch"], Int[Tensor, " batch"]]:
        """Where the n-th accepted entry of each sample lies in the concatenated notes; accepted and tried steps."""
        batch, device = len(self.status), self.status.device
        everybody = torch.arange(batch, device=device)
        accepted, tried = torch.zeros_like(everybody), torch.zeros_like(everybody)
        source = everybody.repeat(len(attempts) + 1, 1)
        offset = batch
        for attempt in attempts:
            rows = everybody if attempt.rows is None else attempt.rows
            tried[rows] += 1
            places = torch.arange(offset, offset + len(rows), device=device)[attempt.accepted]
            winners = rows[attempt.accepted]
            accepted[winners] += 1
            source[accepted[winners], winners] = places
            offset += len(rows)
        points = int(accepted.max()) + 1
        last = torch.minimum(torch.arange(points, device=device)[:, None], accepted)
        return source.gather(0, last), accepted, tried
