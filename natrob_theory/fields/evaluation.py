"""One evaluation of a field, with the check that it kept the state's shape and dtype."""

from torch import Tensor, full, nn

from natrob_theory.tensor_types import Field


def field_name(field: object) -> str:
    """The name by which error messages call a field: its class, or its own name if it is a function."""
    if isinstance(field, nn.Module):
        return type(field).__name__
    return getattr(field, "__name__", type(field).__name__)


def evaluate_field(field: Field, time: float, state: Tensor) -> Tensor:
    """`field(t, y)` with t a scalar tensor of the state's dtype and device.

    Raises:
        TypeError: the field returned something else than a tensor of the state's dtype.
        ValueError: the field changed the shape.
    """
    value = field(full((), time, dtype=state.dtype, device=state.device), state)
    if not isinstance(value, Tensor):
        raise TypeError(f"field {field_name(field)} must return a torch.Tensor, got {type(value).__name__}")
    if value.shape != state.shape:
        raise ValueError(
            f"field {field_name(field)} must keep the shape of the state {tuple(state.shape)}, got {tuple(value.shape)}"
        )
    if value.dtype != state.dtype:
        raise TypeError(f"field {field_name(field)} must keep the dtype of the state {state.dtype}, got {value.dtype}")
    return value
