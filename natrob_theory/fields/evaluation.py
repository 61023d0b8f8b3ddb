"""One evaluation of a field, with the check that it kept the state's shape and dtype."""

from torch import Tensor, full, nn

from natrob_theory.fields.function import FunctionField
from natrob_theory.tensor_types import Field


def field_name(field: object) -> str:
    """The name by which error messages call a field: its class, or its own name if it is a function."""
    if isinstance(field, FunctionField):
        return field_name(field.function)
    if isinstance(field, nn.Module):
        return type(field).__name__
    return getattr(field, "__name__", type(field).__name__)


def broadcast_time(time: Tensor, state: Tensor) -> Tensor:
    """t in a shape that multiplies a state: a scalar stays one, (batch,) becomes (batch, 1, …, 1).

    For fields that depend on time and are to run under per-sample step sizes, where t has shape (batch,):
    `broadcast_time(t, y) * y` is right in both cases, `t * y` only in the first.
    """
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


def require_per_sample_time(field: Field, time: float, state: Tensor) -> None:
    """Raise ValueError unless the field takes t of shape (batch,).

    `t * y` with t of shape (batch,) fails for most batch sizes, but where the batch is as long as the state's last
    axis it silently multiplies the wrong axis. So the field is tried on a batch of another length.

    Args:
        field: f(t, y).
        time: any t at which f is defined.
        state: (batch, *state), as it will be used.
    """
    last = state.shape[-1]
    rows = 2 if last != 2 else 3
    probe = state[:1].expand(rows, *state.shape[1:])
    moments = full((rows,), time, dtype=state.dtype, device=state.device)
    try:
        fits = field(moments, probe).shape == probe.shape
    except RuntimeError:
        fits = False
    if not fits:
        evaluate_field(field, time, probe)  # a field that fails for every t says so itself
        raise ValueError(
            f"field {field_name(field)} must take t of shape (batch,), one time for each sample; write "
            f"broadcast_time(t, y) where it uses t"
        )
