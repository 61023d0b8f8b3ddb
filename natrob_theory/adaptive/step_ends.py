"""Where trial steps end: exactly at the stops, never past them, and never farther than the largest step allowed."""

from typing import NamedTuple

import torch
from torch import Tensor

from natrob_theory.adaptive.settings import SolveSettings

STRETCH = 1.05
"""A last step is made up to 5 % longer than proposed rather than followed by a tiny one: (0.9·1.05)⁵ < 1."""
WELL_RESOLVED = 1e-4
"""While roundings of t move no stage by more than this share of the step, nothing is asked of them."""

ALLOWED_SHARE = 0.25
"""Of the smallest distance between two stages: how far rounding may move the t of a stage of a field that uses it."""


class StepEnds(NamedTuple):
    """The ends of a trial step, (batch,) each.

    Attributes:
        time: t_n + h, float64, as it goes on record.
        step: h = time − t_n in float64, negative backward in time: what the stages are computed with.
        at_stop: which of them end at their next stop; None: none does.
        resolved: False where t may be too coarse in the state's dtype for these steps.
    """

    time: Tensor
    step: Tensor
    at_stop: Tensor | None
    resolved: bool


class StepPlanner:
    """Turns proposed step sizes |h| into the ends of steps.

    Of a cap H these hold exactly: the difference t_{n+1} − t_n of the recorded times is at most H as a real number, so
    its rounding to float64 is, and so is its rounding to the state's dtype, in which the step is computed.

    Args:
        settings: times and limits.
        like: y_0, whose dtype and device count.
        smallest_gap: between two of the method's stages, as a share of h.

    Raises:
        ValueError: `max_step_size` is below what the state's dtype or t in float64 can resolve.
    """

    def __init__(self, settings: SolveSettings, like: Tensor, smallest_gap: float) -> None:
        self.forward = settings.forward
        self.start_time, self.end_time = settings.start_time, settings.end_time
        self.largest_time = max(abs(self.start_time), abs(self.end_time))
        self.smallest_step = 4.0 * torch.finfo(torch.float64).eps * max(self.largest_time, self.span)
        rounding = 0.5 * torch.finfo(like.dtype).eps * self.largest_time
        self.coarsest = rounding / WELL_RESOLVED
        # A first step need not be small where nothing is known yet, and must not be for want of resolution.
        self.smallest_start = max(self.smallest_step, 2.0 * rounding / (ALLOWED_SHARE * smallest_gap))
        self.cap = None if settings.max_step_size is None else _cap(settings.max_step_size, like.dtype)
        if self.cap is not None and self.cap < self.smallest_step:
            raise ValueError(
                f"`max_step_size` must be at least {self.smallest_step:.3g}, the resolution of t here, and above the "
                f"smallest number of {like.dtype}, got {settings.max_step_size}"
            )
        self.stops = self._stops(settings)
        self.stop_times = (
            torch.tensor(self.stops, dtype=torch.float64, device=like.device) if len(self.stops) > 1 else None
        )
        jumps = set(settings.jump_times)
        self.jumps = torch.tensor([stop in jumps for stop in self.stops], device=like.device) if jumps else None

    @property
    def span(self) -> float:
        """|T − t_0|."""
        return abs(self.end_time - self.start_time)

    def _stops(self, settings: SolveSettings) -> list[float]:
        """Jumps and outputs strictly between t_0 and T, and T, in the order in which they are met."""
        if not settings.jump_times and not settings.output_times:
            return [self.end_time]
        low, high = sorted((self.start_time, self.end_time))
        inner = {time for time in (*settings.jump_times, *settings.output_times) if low < time < high}
        return sorted({*inner, self.end_time}, reverse=not self.forward)

    def capped(self, step: Tensor) -> Tensor:
        """|h|, at most the cap."""
        return step if self.cap is None else step.clamp_max(self.cap)

    def left(self, time: Tensor, end: Tensor | float) -> Tensor:
        """|end − t|."""
        return end - time if self.forward else time - end

    def ends(self, time: Tensor, step: Tensor, target: Tensor | None) -> StepEnds:
        """The ends of steps of the proposed sizes, made to meet the stops.

        Where less than two steps are left to a stop, they are made equal: no tiny step before it.

        Args:
            time: t_n, (batch,), float64.
            step: |h| as proposed, at most the cap.
            target: the number of each sample's next stop; None: that is T for all.
        """
        end = self.end_time if target is None or self.stop_times is None else self.stop_times[target]
        left = self.left(time, end)
        if self.cap is None and bool(((left > 2.0 * step) & (step > self.coarsest)).all()):
            later = self._moved(time, step)
            return StepEnds(later, later - time, None, resolved=True)
        at_stop = left <= STRETCH * step
        later = self._moved(time, torch.minimum(step, 0.5 * left))
        if self.cap is not None:
            limit = self._limit(time)
            at_stop &= (end <= limit) if self.forward else (end >= limit)
            later = torch.minimum(later, limit) if self.forward else torch.maximum(later, limit)
        later = torch.where(at_stop, end, later)
        taken = later - time
        resolved = bool((taken.abs() > self.coarsest).all())
        return StepEnds(later, taken, at_stop if bool(at_stop.any()) else None, resolved)

    def _moved(self, time: Tensor, step: Tensor) -> Tensor:
        return time + step if self.forward else time - step

    def _limit(self, time: Tensor) -> Tensor:
        """The farthest float64 time whose distance from t_n is at most the cap as a real number.

        The error of the sum is found exactly (Knuth, *Seminumerical Algorithms*, 4.2.2, theorem B).
        """
        assert self.cap is not None
        added = torch.full_like(time, self.cap if self.forward else -self.cap)
        total = time + added
        virtual = total - time
        error = (time - (total - virtual)) + (added - virtual)
        too_far = error < 0 if self.forward else error > 0
        return torch.where(too_far, torch.nextafter(total, time), total)


def _cap(max_step_size: float, dtype: torch.dtype) -> float:
    """The largest number of `dtype` that is at most H; 0 where it has none above 0."""
    largest = torch.tensor(min(max_step_size, torch.finfo(dtype).max), dtype=torch.float64)
    rounded = largest.to(dtype)
    if rounded.double() > largest:
        rounded = torch.nextafter(rounded, torch.zeros_like(rounded))
    return float(rounded)
