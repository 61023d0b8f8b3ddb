"""One trial step of an embedded pair, every sample with its own time and step size."""

import math
from typing import NamedTuple, final

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.fields import evaluate_field
from natrob_theory.tableaus import ButcherTableau
from natrob_theory.tensor_types import Field


class Trial(NamedTuple):
    """A trial step.

    Attributes:
        state: y_{n+1} of the higher order, (batch, *state).
        slope: f(t_{n+1}, y_{n+1}) where the last stage is that (FSAL), else None.
        error_ratio: root mean square of error/(atol + rtol·max(|y_n|, |y_{n+1}|)) over the entries, (batch,), float64.
        error_norm: ‖error‖₂ of each sample, an estimate of the local error, (batch,), float64.
    """

    state: Tensor
    slope: Tensor | None
    error_ratio: Float[Tensor, " batch"]
    error_norm: Float[Tensor, " batch"]


class _Weights(NamedTuple):
    """The tableau as tensors: rows of A without their zeros, b, b − b̂ and c."""

    a: list[Tensor]
    b: Tensor
    error: Tensor
    c: Tensor


@final
class EmbeddedMethod:
    """The arithmetic of an explicit embedded Runge–Kutta pair.

    The sums h Σ aᵢⱼkⱼ are matrix–vector products over a buffer that all steps share; where gradients are recorded,
    over the stacked slopes, as autograd must keep them.

    Raises:
        ValueError: the tableau has no embedded weights.
    """

    def __init__(self, tableau: ButcherTableau) -> None:
        if tableau.b_embedded is None or tableau.order_embedded is None:
            raise ValueError(f"`tableau` must have embedded weights for error control, {tableau.name} has none")
        self.tableau = tableau
        self.first_same_as_last = tableau.a[-1] == tableau.b and tableau.c[-1] == 1
        self.error_order = min(tableau.order, tableau.order_embedded) + 1
        self._weights: dict[tuple[torch.dtype, torch.device], _Weights] = {}
        self._buffer: _BufferedStages | None = None

    def trial(
        self, field: Field, time: Tensor, step: Tensor, state: Tensor, slope: Tensor, *, rtol: float, atol: float
    ) -> Trial:
        """One trial step from `state` at `time` (batch,) with `step` (batch,), both float64; slope = f(t, y)."""
        weights = self._weights_for(state)
        stage_times = torch.addcmul(time, weights.c, step).to(state.dtype).unbind()
        is_flat = state.dim() == 2
        flat = state if is_flat else state.flatten(1)
        scaled_step = step.to(state.dtype).unsqueeze(1)
        stages = self._stages(slope)
        point = flat
        for row, stage_time in zip(weights.a[1:], stage_times[1:], strict=True):
            point = torch.addcmul(flat, scaled_step, stages.combine(row))
            slope = evaluate_field(field, stage_time, point if is_flat else point.view(state.shape))
            stages.append(slope)
        after = point if self.first_same_as_last else torch.addcmul(flat, scaled_step, stages.combine(weights.b))
        with torch.no_grad():
            error = stages.combine_detached(weights.error).mul_(scaled_step)
            scale = torch.maximum(flat.abs(), after.abs()).mul_(rtol).add_(atol)
            norm = torch.linalg.vector_norm(error, dim=1).double()
            ratio = torch.linalg.vector_norm(error.div_(scale), dim=1).double() / math.sqrt(flat.shape[1])
        return Trial(after.view(state.shape), slope if self.first_same_as_last else None, ratio, norm)

    def _weights_for(self, state: Tensor) -> _Weights:
        """The coefficients in the state's dtype on its device; times stay float64."""
        key = (state.dtype, state.device)
        if key not in self._weights:
            table = self.tableau
            embedded = table.b_embedded
            assert embedded is not None
            differences = [float(one - other) for one, other in zip(table.b, embedded, strict=True)]
            rows = [[float(entry) for entry in row[: max(index, 1)]] for index, row in enumerate(table.a)]
            as_state = {"dtype": state.dtype, "device": state.device}
            self._weights[key] = _Weights(
                a=[torch.tensor(row, **as_state) for row in rows],
                b=torch.tensor([float(entry) for entry in table.b], **as_state),
                error=torch.tensor(differences, **as_state),
                c=torch.tensor([[float(node)] for node in table.c], dtype=torch.float64, device=state.device),
            )
        return self._weights[key]

    def _stages(self, slope: Tensor) -> "_BufferedStages | _RecordedStages":
        """A place for the slopes of one trial, with the first of them in it."""
        if torch.is_grad_enabled():
            return _RecordedStages(slope)
        buffer = self._buffer
        if buffer is None or not buffer.fits(slope):
            buffer = self._buffer = _BufferedStages(self.tableau.stages, slope)
        buffer.restart(slope)
        return buffer

    def release(self) -> None:
        """Give the buffer back; called when a solve has ended."""
        self._buffer = None


class _BufferedStages:
    """Slopes copied into one buffer (stages, batch, *state) that all trials of a batch size share; no gradients."""

    def __init__(self, count: int, like: Tensor) -> None:
        self._buffer = torch.empty((count, *like.shape), dtype=like.dtype, device=like.device)
        flat = self._buffer.view(count, -1)
        self._slots = self._buffer.unbind()
        self._known = [flat[:index].t() for index in range(count + 1)]
        self._sum = torch.empty(like.numel(), dtype=like.dtype, device=like.device)
        self._sum_per_sample = self._sum.view(len(like), -1)
        self._filled = 0

    def fits(self, slope: Tensor) -> bool:
        """Whether slopes of this shape and type go into the buffer."""
        slot = self._slots[0]
        return slot.shape == slope.shape and slot.dtype == slope.dtype and slot.device == slope.device

    def restart(self, first: Tensor) -> None:
        """Forget all slopes but this one."""
        self._slots[0].copy_(first)
        self._filled = 1

    def append(self, slope: Tensor) -> None:
        """Add kᵢ."""
        self._slots[self._filled].copy_(slope)
        self._filled += 1

    def combine(self, weights: Tensor) -> Tensor:
        """Σ weightⱼ kⱼ over the stages known so far, (batch, entries); the next call overwrites it."""
        torch.mv(self._known[self._filled], weights, out=self._sum)
        return self._sum_per_sample

    combine_detached = combine


class _RecordedStages:
    """Slopes kept apart, as autograd needs them."""

    def __init__(self, first: Tensor) -> None:
        self._slopes = [first.flatten(1)]

    def append(self, slope: Tensor) -> None:
        """Add kᵢ."""
        self._slopes.append(slope.flatten(1))

    def combine(self, weights: Tensor) -> Tensor:
        """Σ weightⱼ kⱼ over the stages known so far, (batch, entries)."""
        return torch.mv(torch.stack(self._slopes).flatten(1).t(), weights).view(self._slopes[0].shape)

    def combine_detached(self, weights: Tensor) -> Tensor:
        """The same without gradients."""
        slopes = torch.stack([slope.detach() for slope in self._slopes])
        return torch.mv(slopes.flatten(1).t(), weights).view(self._slopes[0].shape)
