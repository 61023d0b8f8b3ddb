"""How the solve of a sample ended; every way to fail is its own advice."""

import enum
from collections.abc import Sequence


class SolveStatus(enum.IntEnum):
    """How an adaptive solve ended for one sample: at its end time or its event, or in one of the ways to fail."""

    REACHED_END = 0
    STEP_SIZE_UNDERFLOW = 1
    TOO_MANY_STEPS = 2
    NON_FINITE = 3
    EVENT = 4
    TIME_RESOLUTION = 5

    @property
    def reason(self) -> str:
        """Says what happened, and what to do about it."""
        return _REASONS[self]

    @property
    def failed(self) -> bool:
        """Whether the sample reached neither the end time nor its event."""
        return self not in (SolveStatus.REACHED_END, SolveStatus.EVENT)


_REASONS = {
    SolveStatus.REACHED_END: "the solve reached `end_time`",
    SolveStatus.STEP_SIZE_UNDERFLOW: (
        "the step size fell below the resolution of t (the field jumps, has a pole, or is too stiff for an explicit "
        "method): loosen `rtol` and `atol`, use float64, or shorten the time span"
    ),
    SolveStatus.TOO_MANY_STEPS: (
        "`max_num_steps` trial steps were not enough: raise it, loosen `rtol` and `atol`, or use a field with a "
        "smaller Lipschitz constant"
    ),
    SolveStatus.NON_FINITE: (
        "the field or the state became NaN or infinite: check the field there, or shorten the time span"
    ),
    SolveStatus.EVENT: "`event` changed its sign",
    SolveStatus.TIME_RESOLUTION: (
        "the state's dtype cannot tell the times of a step apart as well as the tolerances ask, and the field depends "
        "on t: use float64 states, or shift the time so that it is small where the field changes"
    ),
}


class IntegrationError(RuntimeError):
    """An adaptive solve ended before its end time; the message says why and what to do.

    Attributes:
        status: of each sample.
    """

    def __init__(self, message: str, *, status: Sequence[SolveStatus] = ()) -> None:
        super().__init__(message)
        self.status = tuple(status)


class IntegrationWarning(RuntimeWarning):
    """As `IntegrationError`, where failed samples are to be NaN instead."""


def describe_failures(status: Sequence[SolveStatus], reached: Sequence[float], end_time: float) -> str:
    """One sentence for each kind of failure: how many samples, where the first of them stopped, and the advice."""
    parts = []
    for kind in SolveStatus:
        stops = [time for code, time in zip(status, reached, strict=True) if code == kind]
        if kind.failed and stops:
            parts.append(
                f"{len(stops)} of {len(status)} samples stopped before end_time = {end_time:.6g}, the first at "
                f"t = {max(stops, key=lambda time: abs(end_time - time)):.6g}: {kind.reason}"
            )
    return "; ".join(parts)


def describe_adjoint_failure(status: SolveStatus, time: float, end_time: float, failed: int, samples: int) -> str:
    """One sentence for an adjoint solve that can go back no further than `time`."""
    return (
        f"the adjoint solve, backward from t = {end_time:.6g}, failed at t = {time:.6g} for {failed} of {samples} "
        f"samples: {status.reason}"
    )
