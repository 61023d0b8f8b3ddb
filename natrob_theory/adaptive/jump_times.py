"""Times at which a field jumps: each step sees the branch of the field that holds inside it."""

from typing import final

import torch
from torch import Tensor, nn

from natrob_theory.numbers.tensor_types import Field


@final
class FieldBetweenJumps(nn.Module):
    """A field within one step, whose ends may be jumps: t is kept strictly inside them.

    So a step that ends at a jump sees the branch before it, and one that begins there the branch after it, whichever
    of them the field has at the jump itself. The nearest t of its dtype on that side stands for the jump.

    Args:
        field: f(t, y).
        start, end: the step's ends, (batch,), float64.
        starts_at_jump, ends_at_jump: which of them are jumps, (batch,).
    """

    def __init__(self, field: Field, start: Tensor, end: Tensor, starts_at_jump: Tensor, ends_at_jump: Tensor) -> None:
        super().__init__()
        self.field = field
        forward = end >= start
        first, last = torch.minimum(start, end), torch.maximum(start, end)
        self._low = torch.where(torch.where(forward, starts_at_jump, ends_at_jump), first, -torch.inf)
        self._high = torch.where(torch.where(forward, ends_at_jump, starts_at_jump), last, torch.inf)

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        """f(t, y) with t moved off the jumps, (batch,)."""
        return self.field(time.clamp(after(self._low, time.dtype), before(self._high, time.dtype)), state)


def after(times: Tensor, dtype: torch.dtype) -> Tensor:
    """The first number of `dtype` above each float64 time and above its rounding to `dtype`; −∞ stays."""
    rounded = times.to(dtype)
    return torch.nextafter(rounded, torch.full_like(rounded, torch.inf)).where(torch.isfinite(times), rounded)


def before(times: Tensor, dtype: torch.dtype) -> Tensor:
    """The last number of `dtype` below each float64 time and below its rounding to `dtype`; ∞ stays."""
    rounded = times.to(dtype)
    return torch.nextafter(rounded, torch.full_like(rounded, -torch.inf)).where(torch.isfinite(times), rounded)


def field_in_step(field: Field, start: Tensor, end: Tensor, jump_times: tuple[float, ...]) -> Field:
    """The field as a step from `start` to `end`, (batch,), sees it: itself unless an end of the step is a jump."""
    if not jump_times:
        return field
    jumps = torch.tensor(jump_times, dtype=torch.float64, device=start.device)
    starts, ends = torch.isin(start, jumps), torch.isin(end, jumps)
    if not bool((starts | ends).any()):
        return field
    return FieldBetweenJumps(field, start, end, starts, ends)
