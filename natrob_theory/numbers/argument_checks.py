"""Validation of arguments at the public boundary.

Every check either returns the value it was given, converted, or raises an error that names the argument,
the requirement and what came.
"""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import torch

from natrob_theory.numbers.transformed import is_wrapped, stored_values


def require_finite(name: str, value: object) -> float:
    """Return `value` as a float. Raises TypeError unless a real number, ValueError if NaN or infinite."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"`{name}` must be a real number, got {value!r} of type {type(value).__name__}")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"`{name}` must be finite, got {number}")
    return number


def require_positive(name: str, value: object) -> float:
    """Return `value` as a finite float greater than 0, or raise."""
    number = require_finite(name, value)
    if number <= 0:
        raise ValueError(f"`{name}` must be greater than 0, got {number}")
    return number


def require_nonnegative(name: str, value: object) -> float:
    """Return `value` as a finite float of at least 0, or raise."""
    number = require_finite(name, value)
    if number < 0:
        raise ValueError(f"`{name}` must be at least 0, got {number}")
    return number


def require_count(name: str, value: object, *, minimum: int = 1) -> int:
    """Return `value` as an int of at least `minimum`, or raise. A float, even a whole one, is refused."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"`{name}` must be an integer, got {value!r} of type {type(value).__name__}")
    if value < minimum:
        raise ValueError(f"`{name}` must be at least {minimum}, got {value}")
    return value


def require_generator(name: str, value: object) -> torch.Generator:
    """Return `value` if it is a torch.Generator, or raise TypeError."""
    if not isinstance(value, torch.Generator):
        raise TypeError(
            f"`{name}` must be a torch.Generator (for example torch.Generator().manual_seed(0)), "
            f"got {type(value).__name__}"
        )
    return value


def require_state(name: str, value: object) -> torch.Tensor:
    """Return `value` if it is a finite real floating-point tensor of shape (batch, *state).

    Raises:
        TypeError: not a tensor, or integer, boolean or complex.
        ValueError: fewer than two axes, no samples, or a NaN or infinite entry.
    """
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"`{name}` must be a torch.Tensor, got {type(value).__name__}")
    if not value.is_floating_point():
        raise TypeError(f"`{name}` must be a floating-point tensor, got dtype {value.dtype}")
    if value.dim() < 2 or value.numel() == 0:
        raise ValueError(
            f"`{name}` must have shape (batch, *state) with at least one sample and one entry, "
            f"got shape {tuple(value.shape)}"
        )
    if not all_finite(value):
        if is_wrapped(value):
            raise ValueError(f"`{name}` must be finite, got NaN or infinite entries")
        bad = int((~torch.isfinite(value)).flatten(1).any(dim=1).sum())
        raise ValueError(f"`{name}` must be finite, got NaN or infinite entries in {bad} of {len(value)} samples")
    return value


def all_finite(values: torch.Tensor) -> bool:
    """Whether no entry is NaN or infinite.

    A sum with such an entry is NaN or infinite, so a finite sum settles it in one pass; entry by entry takes six. Only
    where the sum of finite entries overflows they must be looked at one by one. Under torch.func's transforms it is
    the values behind them that count, under vmap those of every entry.
    """
    values = stored_values(values)
    return math.isfinite(float(values.detach().sum())) or bool(torch.isfinite(values).all())


def require_choice(name: str, value: object, choices: Sequence[str]) -> Any:
    """Return `value` if it is one of `choices`, or raise ValueError."""
    if value not in choices:
        raise ValueError(f"`{name}` must be one of {', '.join(choices)}, got {value!r}")
    return value
