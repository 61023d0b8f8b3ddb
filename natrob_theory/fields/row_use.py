"""Which batches a field takes: any, or only the one it was made for, and whether its samples keep to themselves."""

import enum
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import final

import torch
from torch import Tensor, nn

from natrob_theory.fields.evaluation import evaluate_field, field_name
from natrob_theory.fields.outer_tensors import OuterTensors
from natrob_theory.numbers.tensor_types import Field
from natrob_theory.numbers.transformed import require_unmapped

ROUNDING = 128.0
"""In units of the dtype's spacing: what kernels may round differently where the batch has another length."""
COUPLING = 1000.0
"""The same for a batch of the same length, in which other samples have changed."""


class RowUse(enum.Enum):
    """Says what a field needs for a sample's slope.

    ANY_BATCH: the sample in any batch. WHOLE_BATCH: the batch the field was made for. ONE_SAMPLE: it takes no more
    than one sample, and t as a scalar.
    """

    ANY_BATCH = "any batch"
    WHOLE_BATCH = "the whole batch"
    ONE_SAMPLE = "one sample"


def row_use(field: Field, time: float, other_time: float, state: Tensor) -> RowUse:
    """Which batches a field takes, found by trying it.

    A field with a parameter for each sample (`lambda t, y: -k * y` with k of shape (batch, 1)), or one written for
    one sample, gives a slope only within the batch it was made for. The field is tried on a batch of another length,
    with samples in another order, so that a parameter taken from the wrong row shows in the values; random fields
    are tried for their shapes alone.

    Args:
        field: f(t, y).
        time, other_time: two times at which f is defined.
        state: (batch, *state), as it will be used.

    Raises:
        ValueError: the field does not take t of shape (batch,), or lets one sample of a batch act on another, other
            than by batch normalisation in training mode, which does so by intent and not in evaluation mode.
        NotImplementedError: torch.func.vmap hides the values.
    """
    state = state.detach()
    with _left_as_it_is(field, state) as notes:
        slope = _tried(field, _times(time, state), state)
        part_rows = _other_rows(state)
        if slope is None:
            evaluate_field(field, time, state)  # a field that fails for every t says so itself
            if len(state) > 1 or _tried(field, time, state[part_rows]) is not None:
                raise _no_per_sample_time(field)
            return RowUse.ONE_SAMPLE
        require_unmapped(slope)
        part = _tried(field, _times(time, part_rows), state[part_rows])
        if part is None and _tried(field, time, state[part_rows]) is not None:
            raise _no_per_sample_time(field)
        if part is not None:
            again = None if _same(part, slope[part_rows]) else _tried(field, _times(time, state), state)
            if again is None or not _same(again, slope) or notes.statistics:
                return RowUse.ANY_BATCH
        _require_own_times(field, (time, other_time), state)
        _require_separate_samples(field, time, state, slope)
    return RowUse.WHOLE_BATCH


@contextmanager
def _left_as_it_is(field: Field, state: Tensor) -> Iterator[OuterTensors]:
    """Random generators, the field's buffers and running statistics are afterwards what they were before."""
    buffers = list(field.buffers()) if isinstance(field, nn.Module) else []
    kept = [buffer.clone() for buffer in buffers]
    devices = [state.device] if state.device.type == "cuda" else []
    notes = OuterTensors()
    try:
        with torch.random.fork_rng(devices=devices), notes:
            yield notes
    finally:
        for buffer, before in zip(buffers, kept, strict=True):
            buffer.data.copy_(before)
        for number, before in notes.former_statistics.items():
            notes.statistics[number].data.copy_(before)


def _times(time: float, like: Tensor) -> Tensor:
    return torch.full((len(like),), time, dtype=torch.float64, device=like.device)


def _other_rows(state: Tensor) -> Tensor:
    """Rows for a batch of another length, last first, and of a length that `t * y` cannot take for a state's axis.

    Two samples come unequally often, so that a mean over them is another.
    """
    batch, last = state.shape[0], state.shape[-1]
    length = next(count for count in (2, 3, 4) if count not in (batch, last))
    return (batch - 1 - torch.arange(length, device=state.device)).clamp_min(0)


def _tried(field: Field, time: float | Tensor, state: Tensor) -> Tensor | None:
    """f(t, y), or None where f does not take this batch or these times; it may say so by any exception."""
    try:
        return evaluate_field(field, time, state).detach()
    except Exception:
        return None


def _require_own_times(field: Field, times: tuple[float, float], state: Tensor) -> None:
    """Raise ValueError unless row i of f(t, y) is that at tᵢ, for one t for each sample."""
    mixed = _times(times[0], state)
    mixed[1::2] = times[1]
    together = evaluate_field(field, mixed, state).detach()
    for parity, time in enumerate(times):
        apart = evaluate_field(field, time, state).detach()
        if bool(_differ_in(together, apart)[parity::2].any()):
            raise _no_per_sample_time(field)


def _require_separate_samples(field: Field, time: float, state: Tensor, slope: Tensor) -> None:
    """Raise ValueError if a sample's slope changes with another sample's state.

    Of any two samples one has a bit in its number that the other has not, so that a change of all samples with that
    bit shows whether the first acts on the second.
    """
    numbers, moments = torch.arange(len(state), device=state.device), _times(time, state)
    shape = (-1, *[1] * (state.dim() - 1))
    moved = state * 1.125 + 0.125 * state.abs().amax().clamp_min(1e-3)
    for bit in range((len(state) - 1).bit_length()):
        for having in (True, False):
            changed = ((numbers >> bit) & 1).bool() == having
            other = evaluate_field(field, moments, torch.where(changed.view(shape), moved, state)).detach()
            if bool((_differ_in(other, slope) & ~changed).any()):
                raise ValueError(
                    f"field {field_name(field)} must treat the samples of a batch independently: one sample's slope "
                    f"changes with another's state (the first axis counts samples, so that a single system of d "
                    f"equations has shape (1, d))"
                )


def _same(one: Tensor, other: Tensor) -> bool:
    """Whether the slopes of a batch agree up to rounding, each sample's in its own size; NaN agrees with NaN."""
    sizes = other.abs().nan_to_num(nan=0.0, posinf=0.0).flatten(1).amax(dim=1)
    tolerance = (ROUNDING * torch.finfo(other.dtype).eps * sizes).view(-1, *[1] * (other.dim() - 1))
    alike = (one == other) | ((one - other).abs() <= tolerance) | (one.isnan() & other.isnan())
    return bool(alike.all())


def _differ_in(one: Tensor, other: Tensor) -> Tensor:
    """The samples whose slopes differ by more than rounding could explain at the size of the largest, (batch,)."""
    tolerance = COUPLING * torch.finfo(other.dtype).eps * other.abs().nan_to_num(nan=0.0, posinf=0.0).amax()
    alike = (one == other) | ((one - other).abs() <= tolerance) | (one.isnan() & other.isnan())
    return ~alike.flatten(1).all(dim=1)


def _no_per_sample_time(field: Field) -> ValueError:
    return ValueError(
        f"field {field_name(field)} must take t of shape (batch,), one time for each sample; write "
        f"broadcast_time(t, y) where it uses t"
    )


RowFunction = Callable[[Tensor, Tensor], Tensor]
"""`function(t, y)` whose result has one row for each sample: a field, or an event."""


@final
class WholeBatchFunction:
    """A function of the whole batch, evaluated at some of its samples.

    The others stand at t_0 and y_0 meanwhile, where the function is defined, and their rows of the result are dropped.

    Args:
        function: f(t, y) with t of shape (batch,).
        time: t_0, (batch,).
        state: y_0, (batch, *state).
    """

    def __init__(self, function: RowFunction, time: Tensor, state: Tensor) -> None:
        self._function, self._time, self._state = function, time, state.detach()

    def at(self, rows: Tensor | None) -> RowFunction:
        """The function on states (rows, *state) of these samples; None: of all."""
        if rows is None:
            return self._function

        def of_rows(time: Tensor, state: Tensor) -> Tensor:
            times = self._time.to(time.dtype).index_copy(0, rows, time)
            return self._function(times, self._state.index_copy(0, rows, state)).index_select(0, rows)

        return of_rows


@final
class OneSampleField(nn.Module):
    """A field that takes one sample and t as a scalar, seen as one with t of shape (1,)."""

    def __init__(self, field: Field) -> None:
        super().__init__()
        self.field = field

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        """f(t, y)."""
        return self.field(time if time.dim() == 0 else time[0], state)
