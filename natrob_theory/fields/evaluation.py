"""One evaluation of a field, with the check that it kept the state's shape and dtype."""

from typing import no_type_check

from torch import Tensor, full, nn

from natrob_theory.fields.function import FunctionField
from natrob_theory.numbers.tensor_types import Field


def field_name(field: object) -> str:
    """The name by which error messages call a field: its class, or its own name if it is a function."""
    if isinstance(field, FunctionField):
        return field_name(field.function)
    if isinstance(field, nn.Module):
        return type(field).__name__
    return getattr(field, "__name__", type(field).__name__)


@no_type_check  # symbols pass through while a field is traced for the compiled loop
def broadcast_time(time: Tensor, state: Tensor) -> Tensor:
    """t in a shape that multiplies a state: a scalar stays one, (batch,) becomes (batch, 1, …, 1).

    For fields that depend on time and are to run under per-sample step sizes, where t has shape (batch,):
    `broadcast_time(t, y) * y` is right in both cases, `t * y` only in the first.
    """
    if not isinstance(time, Tensor):
        return time.broadcast_for(state)  # a symbol, whose axes are not known yet
    return time if time.dim() == 0 else time.view(-1, *[1] * (state.dim() - 1))


def evaluate_field(field: Field, time: float | Tensor, state: Tensor) -> Tensor:
    """`field(t, y)` with t of the state's dtype and device: a scalar tensor, or (batch,) if that is what came.

    Raises:
        TypeError: the field returned something else than a tensor of the state's dtype.
        ValueError: the field changed the shape.
    """
    if isinstance(time, Tensor):
        moment = time if time.dtype == state.dtype else time.to(state.dtype)
    else:
        moment = full((), time, dtype=state.dtype, device=state.device)
    value = field(moment, state)
    if not isinstance(value, Tensor):
        raise TypeError(f"field {field_name(field)} must return a torch.Tensor, got {type(value).__name__}")
    if value.shape != state.shape:
        advice = "; t has shape (batch,) here, see broadcast_time" if moment.dim() == 1 else ""
        raise ValueError(
            f"field {field_name(field)} must keep the shape of the state {tuple(state.shape)}, "
            f"got {tuple(value.shape)}{advice}"
        )
    if value.dtype != state.dtype:
        raise TypeError(f"field {field_name(field)} must keep the dtype of the state {state.dtype}, got {value.dtype}")
    return value
