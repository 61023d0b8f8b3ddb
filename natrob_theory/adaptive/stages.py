"""The stages of one trial step, and their linear combinations: buffered, recorded for backward, or plain operations."""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple, final

import torch
from torch import Tensor


class WeightRow(NamedTuple):
    """One row of a tableau.

    Attributes:
        dense: its entries up to the last stage that is known where it is used.
        places: the stages whose entry is not 0.
        nonzero: those entries, (places,).
    """

    dense: Tensor
    places: tuple[int, ...]
    nonzero: Tensor


def weight_row(entries: list[float], like: Tensor) -> WeightRow:
    """A row of a tableau in the dtype and on the device of `like`."""
    places = tuple(index for index, entry in enumerate(entries) if entry != 0)
    dense = torch.tensor(entries, dtype=like.dtype, device=like.device)
    return WeightRow(dense=dense, places=places, nonzero=dense[dense != 0])


class AbstractStages(ABC):
    """The stages k₁, k₂, … of one trial step from y with per-sample h."""

    @abstractmethod
    def append(self, slope: Tensor) -> None:
        """Add the next k."""

    @abstractmethod
    def advance(self, row: WeightRow) -> Tensor:
        """y + Σ weightⱼ h·kⱼ over the stages known so far, of y's shape."""

    @abstractmethod
    def combination(self, row: WeightRow) -> Tensor:
        """Σ weightⱼ h·kⱼ without gradients, (batch, entries); memory that the caller may overwrite."""

    @abstractmethod
    def spread(self) -> Tensor:
        """maxⱼ h·kⱼ − minⱼ h·kⱼ of every entry without gradients, (batch, entries)."""


@final
class BufferedStages(AbstractStages):
    """Increments h·kᵢ in one buffer (stages, batch, *state) that all trials of a batch size share; no gradients."""

    def __init__(self, count: int, like: Tensor) -> None:
        self._buffer = torch.empty((count, *like.shape), dtype=like.dtype, device=like.device)
        flat = self._buffer.view(count, -1)
        self._slots = self._buffer.unbind()
        self._known = [flat[:index].t() for index in range(count + 1)]
        self._start = self._step = torch.empty(0)
        self._filled = 0

    def fits(self, state: Tensor) -> bool:
        """Whether states of this shape and type go into the buffer."""
        slot = self._slots[0]
        return slot.shape == state.shape and slot.dtype == state.dtype and slot.device == state.device

    def restart(self, state: Tensor, slope: Tensor, step: Tensor) -> None:
        """Forget all increments; y and `step` (batch, 1, …) are the trial's from here on, `slope` is k₁."""
        self._start = state.reshape(-1)
        self._step = step
        self._filled = 0
        self.append(slope)

    def append(self, slope: Tensor) -> None:
        """Add h·kᵢ."""
        torch.mul(slope, self._step, out=self._slots[self._filled])
        self._filled += 1

    def advance(self, row: WeightRow) -> Tensor:
        """y + Σ weightⱼ h·kⱼ."""
        return torch.addmv(self._start, self._known[self._filled], row.dense).view(self._slots[0].shape)

    def combination(self, row: WeightRow) -> Tensor:
        """Σ weightⱼ h·kⱼ."""
        return torch.mv(self._known[self._filled], row.dense).view(len(self._slots[0]), -1)

    def spread(self) -> Tensor:
        """maxⱼ h·kⱼ − minⱼ h·kⱼ."""
        known = self._buffer[: self._filled]
        return (known.amax(dim=0) - known.amin(dim=0)).flatten(1)


@final
class RecordedStages(AbstractStages):
    """Takes the numbers of `Stages` from one buffer, with one autograd node for each combination.

    As the combinations are linear and h is a constant, nothing of the buffer has to be kept for backward.
    """

    def __init__(self, buffer: BufferedStages, state: Tensor, slope: Tensor, step: Tensor) -> None:
        self._buffer, self._state, self._step = buffer, state, step
        self._slopes = [slope]
        buffer.restart(state.detach(), slope.detach(), step)

    def append(self, slope: Tensor) -> None:
        """Add h·kᵢ."""
        self._slopes.append(slope)
        self._buffer.append(slope.detach())

    def advance(self, row: WeightRow) -> Tensor:
        """y + Σ weightⱼ h·kⱼ."""
        used = [self._slopes[place] for place in row.places]
        point: Tensor = _Advance.apply(self._buffer, row, self._step, self._state, *used)  # type: ignore[no-untyped-call]
        return point

    def combination(self, row: WeightRow) -> Tensor:
        """Σ weightⱼ h·kⱼ."""
        return self._buffer.combination(row)

    def spread(self) -> Tensor:
        """maxⱼ h·kⱼ − minⱼ h·kⱼ."""
        return self._buffer.spread()


class _Advance(torch.autograd.Function):
    """y + Σ weightⱼ h·kⱼ, whose adjoint is g ↦ (g, weight₁ h·g, weight₂ h·g, …)."""

    @staticmethod
    def forward(
        ctx: Any, buffer: BufferedStages, row: WeightRow, step: Tensor, state: Tensor, *slopes: Tensor
    ) -> Tensor:
        ctx.step, ctx.weights = step, row.nonzero
        return buffer.advance(row)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override] - torch's stub has one
        (gradient,) = gradients
        weights = ctx.weights.view(-1, *[1] * gradient.dim())
        return (None, None, None, gradient, *(gradient * ctx.step * weights).unbind())


@final
class PlainStages(AbstractStages):
    """Differentiable operations throughout, for torch.func and forward-mode differentiation."""

    def __init__(self, state: Tensor, slope: Tensor, step: Tensor) -> None:
        self._state, self._step = state, step
        self._increments = [slope * step]

    def append(self, slope: Tensor) -> None:
        """Add h·kᵢ."""
        self._increments.append(slope * self._step)

    def advance(self, row: WeightRow) -> Tensor:
        """y + Σ weightⱼ h·kⱼ."""
        increments = torch.stack(self._increments).flatten(1).t()
        return torch.addmv(self._state.reshape(-1), increments, row.dense).view(self._state.shape)

    def combination(self, row: WeightRow) -> Tensor:
        """Σ weightⱼ h·kⱼ."""
        increments = torch.stack([increment.detach() for increment in self._increments])
        return torch.mv(increments.flatten(1).t(), row.dense).view(len(self._state), -1)

    def spread(self) -> Tensor:
        """maxⱼ h·kⱼ − minⱼ h·kⱼ."""
        increments = torch.stack([increment.detach() for increment in self._increments])
        return (increments.amax(dim=0) - increments.amin(dim=0)).flatten(1)
