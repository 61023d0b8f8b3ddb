"""One trial step of an embedded pair, every sample with its own time and step size."""

import math
from itertools import pairwise
from typing import Any, NamedTuple, final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd import forward_ad

from natrob_theory.adaptive.stages import (
    AbstractStages,
    BufferedStages,
    PlainStages,
    RecordedStages,
    WeightRow,
    weight_row,
)
from natrob_theory.fields import evaluate_field
from natrob_theory.numbers.tensor_types import Field
from natrob_theory.numbers.transformed import is_wrapped
from natrob_theory.tableaus import ButcherTableau


class Trial(NamedTuple):
    """A trial step.

    Attributes:
        state: y_{n+1} of the higher order, (batch, *state).
        slope: f(t_{n+1}, y_{n+1}) where the last stage is that (FSAL), else None.
        error_ratio: root mean square of error/(atol + rtol·max(|y_n|, |y_{n+1}|)) over the entries, (batch,), float64.
        error_norm: ‖error‖₂ of each sample, an estimate of the local error, (batch,), of the state's dtype.
        time_error: see `TimeError`; None unless asked for.
    """

    state: Tensor
    slope: Tensor | None
    error_ratio: Float[Tensor, " batch"]
    error_norm: Float[Tensor, " batch"]
    time_error: "TimeError | None" = None


class TimeError(NamedTuple):
    """Bounds what rounding the stages' times to the state's dtype may have done to a step.

    Attributes:
        share: the largest rounding of a stage's t, as a share of |h|, (batch,), float64.
        effect: that share of the stages' spread maxᵢ hkᵢ − minᵢ hkᵢ, in the norm of the error ratio, (batch,).
    """

    share: Float[Tensor, " batch"]
    effect: Float[Tensor, " batch"]


class MethodWeights(NamedTuple):
    """The tableau as tensors: rows of A without their zeros, b, b − b̂ and c."""

    a: list[WeightRow]
    b: WeightRow
    error: WeightRow
    c: Tensor


@final
class EmbeddedMethod:
    """The arithmetic of an explicit embedded Runge–Kutta pair.

    The sums Σ aᵢⱼ(hkⱼ) are matrix–vector products over a buffer of one state for each stage, which all steps and solves
    of one batch size share: fresh memory for every solve costs about 3 % of it on large states. Where gradients are
    recorded, autograd sees one node for each sum and nothing of the buffer.

    Raises:
        ValueError: the tableau has no embedded weights.
    """

    def __init__(self, tableau: ButcherTableau) -> None:
        if tableau.b_embedded is None or tableau.order_embedded is None:
            raise ValueError(f"`tableau` must have embedded weights for error control, {tableau.name} has none")
        self.tableau = tableau
        self.first_same_as_last = tableau.a[-1] == tableau.b and tableau.c[-1] == 1
        self.error_order = min(tableau.order, tableau.order_embedded) + 1
        nodes = sorted({0.0, 1.0, *(float(node) for node in tableau.c)})
        self.smallest_gap = min(later - node for node, later in pairwise(nodes))
        self._weights: dict[tuple[torch.dtype, torch.device], MethodWeights] = {}
        self._buffer: BufferedStages | None = None

    def trial(
        self, field: Field, time: Tensor, step: Tensor, state: Tensor, slope: Tensor, *,
        rtol: float | Tensor, atol: float | Tensor, with_time_error: bool = False,
    ) -> Trial:  # fmt: skip
        """One trial step from `state` at `time` (batch,) with `step` (batch,), both float64; slope = f(t, y).

        `rtol` and `atol` are numbers, or tensors of the state's dtype that broadcast to the state's shape.
        """
        weights = self.weights_for(state)
        rounded_times = torch.addcmul(time, weights.c, step).to(state.dtype)
        stage_times = rounded_times.unbind()
        stages = self._stages(state, slope, step.to(state.dtype).view(-1, *[1] * (state.dim() - 1)))
        point = state
        for row, stage_time in zip(weights.a[1:], stage_times[1:], strict=True):
            point = stages.advance(row)
            slope = evaluate_field(field, stage_time, point)
            stages.append(slope)
        after = point if self.first_same_as_last else stages.advance(weights.b)
        with torch.no_grad():
            error = stages.combination(weights.error)
            norm = torch.linalg.vector_norm(error, dim=1)
            root = math.sqrt(error.shape[1])
            scale = torch.maximum(state.detach().abs(), after.detach().abs()).mul_(root * rtol).add_(root * atol)
            weighted = error.div_(scale.reshape(error.shape))
            ratio = torch.linalg.vector_norm(weighted, dim=1).double()
            time_error = None
            if with_time_error:
                share = _moved_times(time, weights.c * step, rounded_times) / step.abs()
                spread = torch.linalg.vector_norm(stages.spread().div_(scale.reshape(error.shape)), dim=1)
                time_error = TimeError(share, share * spread.double())
        return Trial(after, slope if self.first_same_as_last else None, ratio, norm, time_error)

    def weights_for(self, state: Tensor) -> MethodWeights:
        """The coefficients in the state's dtype on its device; times stay float64."""
        key = (state.dtype, state.device)
        if key not in self._weights:
            table = self.tableau
            embedded = table.b_embedded
            assert embedded is not None
            differences = [float(one - other) for one, other in zip(table.b, embedded, strict=True)]
            rows = [[float(entry) for entry in row[: max(index, 1)]] for index, row in enumerate(table.a)]
            self._weights[key] = MethodWeights(
                a=[weight_row(row, state) for row in rows],
                b=weight_row([float(entry) for entry in table.b], state),
                error=weight_row(differences, state),
                c=torch.tensor([[float(node)] for node in table.c], dtype=torch.float64, device=state.device),
            )
        return self._weights[key]

    def _stages(self, state: Tensor, slope: Tensor, step: Tensor) -> AbstractStages:
        """A place for the stages of one trial, with the first of them in it."""
        recording = torch.is_grad_enabled()
        if recording and is_transformed(state, slope):
            return PlainStages(state, slope, step)
        buffer = self._buffer
        if buffer is None or not buffer.fits(state):
            buffer = self._buffer = BufferedStages(self.tableau.stages, state)
        if recording:
            return RecordedStages(buffer, state, slope, step)
        buffer.restart(state, slope, step)
        return buffer

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the buffer, which is worth neither copying nor saving."""
        return {**self.__dict__, "_buffer": None}


def _moved_times(time: Tensor, advance: Tensor, rounded: Tensor) -> Float[Tensor, " batch"]:
    """How far rounding moves t + ch at most, in float64 and then to another dtype, (stages, batch) to (batch,).

    The error of the sum is found exactly (Knuth, *Seminumerical Algorithms*, 4.2.2, theorem B).
    """
    total = time + advance
    virtual = total - time
    lost = (time - (total - virtual)) + (advance - virtual)
    return (rounded.double() - total - lost).abs().amax(dim=0)


def is_transformed(*tensors: Tensor) -> bool:
    """Whether torch.func or forward-mode differentiation is at work, which know nothing of a closed-form backward."""
    return forward_ad._current_level >= 0 or any(map(is_wrapped, tensors))
