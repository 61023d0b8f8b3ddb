"""Validation of what a Neural ODE is asked for: tolerances, jump times, output times."""

import math
from collections.abc import Iterable
from itertools import pairwise

import torch
from torch import Tensor

from natrob_theory.numbers.argument_checks import require_finite, require_positive


def require_tolerance(name: str, value: object) -> float | Tensor:
    """A tolerance as a float or as a tensor, positive throughout. Raises TypeError or ValueError."""
    if not isinstance(value, Tensor):
        return require_positive(name, value)
    if not value.is_floating_point():
        raise TypeError(f"`{name}` must be a number or a floating-point tensor, got dtype {value.dtype}")
    if value.numel() == 0 or not bool((torch.isfinite(value) & (value > 0)).all()):
        raise ValueError(f"`{name}` must be finite and greater than 0 in every entry, got {value.tolist()}")
    return value.detach().clone()


def describe_tolerance(value: float | Tensor) -> str:
    """The tolerance as messages name it: a number, or "per entry"."""
    return "per entry" if isinstance(value, Tensor) else f"{value:g}"


def tolerance_for(name: str, value: float | Tensor, y0: Tensor) -> float | Tensor:
    """The tolerance in the dtype and on the device of y_0. Raises ValueError unless it broadcasts to the state."""
    if not isinstance(value, Tensor):
        return value
    state = tuple(y0.shape[1:])
    try:
        fits = tuple(torch.broadcast_shapes(value.shape, state)) == state
    except RuntimeError:
        fits = False
    if not fits:
        raise ValueError(
            f"`{name}` must be a number or broadcast to the state's shape {state} (without the batch axis), got shape "
            f"{tuple(value.shape)}"
        )
    converted = value.to(device=y0.device, dtype=y0.dtype)
    if not bool((torch.isfinite(converted) & (converted > 0)).all()):
        raise ValueError(f"`{name}` must be representable in the state's dtype {y0.dtype}, got {value.tolist()}")
    return converted


def require_resolvable_tolerance(rtol: float | Tensor, dtype: torch.dtype) -> None:
    """Raise ValueError where a half-precision state rounds by more in every step than the tolerance allows."""
    if dtype.itemsize >= 4:
        return
    rounding = torch.finfo(dtype).eps / 2
    smallest = float(rtol.min()) if isinstance(rtol, Tensor) else rtol
    if smallest < rounding:
        raise ValueError(
            f"`rtol` must be at least {rounding:.3g}, by which every step rounds states of {dtype}, got {smallest}; "
            f"give the states in float32"
        )


def require_step_limit(value: object, start_time: float, end_time: float) -> float | None:
    """H as a float, or None. Raises TypeError or ValueError unless 0 < H ≤ |T − t_0|: a larger one limits nothing."""
    if value is None:
        return None
    limit, span = require_positive("max_step_size", value), abs(end_time - start_time)
    if limit > span:
        raise ValueError(
            f"`max_step_size` must be at most |end_time − start_time| = {span:g}, beyond which it limits nothing "
            f"(None: no limit), got {limit:g}"
        )
    return limit


def require_jump_times(value: object) -> tuple[float, ...]:
    """Jump times as floats, each once. Raises TypeError or ValueError unless they are finite numbers."""
    return tuple(dict.fromkeys(require_finite("jump_times", time) for time in _numbers("jump_times", value)))


def require_output_times(value: object, start_time: float, end_time: float) -> tuple[float, ...]:
    """Output times as floats. Raises TypeError or ValueError unless they go from t_0 towards T."""
    times = tuple(require_finite("times", time) for time in _numbers("times", value))
    if not times:
        raise ValueError("`times` must hold at least one time, got none")
    low, high = sorted((start_time, end_time))
    direction = math.copysign(1.0, end_time - start_time)
    if any(not low <= time <= high for time in times):
        raise ValueError(f"`times` must lie between t = {start_time:g} and t = {end_time:g}, got {list(times)}")
    if any(direction * (later - time) <= 0 for time, later in pairwise(times)):
        raise ValueError(f"`times` must go strictly from `start_time` towards `end_time`, got {list(times)}")
    return times


def _numbers(name: str, value: object) -> list[object]:
    if isinstance(value, Tensor):
        if value.dim() != 1:
            raise ValueError(f"`{name}` must have one axis, got shape {tuple(value.shape)}")
        return value.double().tolist()
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(f"`{name}` must be a sequence of numbers, got {value!r}")
    return list(value)
