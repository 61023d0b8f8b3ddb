"""One trial step of an embedded pair, every sample with its own time and step size."""

import math
from typing import Any, NamedTuple, final

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

    The sums Σ aᵢⱼ(hkⱼ) are matrix–vector products over a buffer of one state for each stage, which all steps and solves
    of one batch size share: fresh memory for every solve costs about 3 % of it on large states. Where gradients are
    recorded they are products over the stacked slopes, as autograd must keep them.

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
        flat = state.reshape(len(state), -1)
        entries = flat.view(-1)
        stages = self._stages(slope, step.to(state.dtype).view(-1, *[1] * (state.dim() - 1)))
        point = entries
        for row, stage_time in zip(weights.a[1:], stage_times[1:], strict=True):
            point = stages.advance(entries, row)
            slope = evaluate_field(field, stage_time, point.view(state.shape))
            stages.append(slope)
        after = point if self.first_same_as_last else stages.advance(entries, weights.b)
        with torch.no_grad():
            error = stages.combination(weights.error).view(flat.shape)
            norm = torch.linalg.vector_norm(error, dim=1).double()
            scale = torch.abs(entries.detach(), out=stages.scratch())
            scale = torch.maximum(scale, after.detach().abs(), out=scale).mul_(rtol).add_(atol)
            weighted = error.div_(scale.view(flat.shape))
            ratio = torch.linalg.vector_norm(weighted, dim=1).double() / math.sqrt(flat.shape[1])
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

    def _stages(self, slope: Tensor, step: Tensor) -> "_BufferedStages | _RecordedStages":
        """A place for the increments h·kᵢ of one trial, with the first of them in it."""
        if torch.is_grad_enabled():
            return _RecordedStages(slope, step)
        buffer = self._buffer
        if buffer is None or not buffer.fits(slope):
            buffer = self._buffer = _BufferedStages(self.tableau.stages, slope)
        buffer.restart(slope, step)
        return buffer

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the buffer, which is worth neither copying nor saving."""
        return {**self.__dict__, "_buffer": None}


class _BufferedStages:
    """Increments h·kᵢ in one buffer (stages, batch, *state) that all trials of a batch size share; no gradients."""

    def __init__(self, count: int, like: Tensor) -> None:
        self._buffer = torch.empty((count, *like.shape), dtype=like.dtype, device=like.device)
        flat = self._buffer.view(count, -1)
        self._slots = self._buffer.unbind()
        self._known = [flat[:index].t() for index in range(count + 1)]
        self._step = torch.empty(0)
        self._filled = 0

    def fits(self, slope: Tensor) -> bool:
        """Whether slopes of this shape and type go into the buffer."""
        slot = self._slots[0]
        return slot.shape == slope.shape and slot.dtype == slope.dtype and slot.device == slope.device

    def restart(self, first: Tensor, step: Tensor) -> None:
        """Forget all increments; `step` (batch, 1, …) is h from here on, and `first` k₁."""
        self._step = step
        self._filled = 0
        self.append(first)

    def append(self, slope: Tensor) -> None:
        """Add h·kᵢ."""
        torch.mul(slope, self._step, out=self._slots[self._filled])
        self._filled += 1

    def advance(self, start: Tensor, weights: Tensor) -> Tensor:
        """start + Σ weightⱼ h·kⱼ over the stages known so far; flat, (batch · entries)."""
        return torch.addmv(start, self._known[self._filled], weights)

    def combination(self, weights: Tensor) -> Tensor:
        """Σ weightⱼ h·kⱼ, flat."""
        return torch.mv(self._known[self._filled], weights)

    def scratch(self) -> Tensor:
        """Flat memory of one state, free once the last combination is made."""
        return self._slots[0].view(-1)


class _RecordedStages:
    """Increments kept apart, as autograd needs them."""

    def __init__(self, first: Tensor, step: Tensor) -> None:
        self._step = step
        self._increments = [first * step]

    def append(self, slope: Tensor) -> None:
        """Add h·kᵢ."""
        self._increments.append(slope * self._step)

    def advance(self, start: Tensor, weights: Tensor) -> Tensor:
        """start + Σ weightⱼ h·kⱼ over the stages known so far; flat, (batch · entries)."""
        return torch.addmv(start, torch.stack(self._increments).flatten(1).t(), weights)

    def combination(self, weights: Tensor) -> Tensor:
        """Σ weightⱼ h·kⱼ, flat, without gradients."""
        increments = torch.stack([increment.detach() for increment in self._increments])
        return torch.mv(increments.flatten(1).t(), weights)

    def scratch(self) -> Tensor:
        """Flat memory of one state."""
        return torch.empty_like(self._increments[0]).view(-1)
