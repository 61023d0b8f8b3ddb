"""Scaling by powers of two, which is exact: squares and products of what is left neither over- nor underflow."""

import torch
from torch import Tensor


def power_of_two(exponent: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:
    """2^e exactly, from the bits of a float64; |e| ≤ 1000, and within the range of `dtype`."""
    return ((exponent.long() + 1023) << 52).view(torch.float64).to(dtype)


def times_power_of_two(values: Tensor, exponent: Tensor) -> Tensor:
    """values·2^e, in two factors, each of which is a normal number; exact unless the result leaves the range."""
    half = exponent // 2
    real = values.real.dtype if values.is_complex() else values.dtype
    return values * power_of_two(half, real) * power_of_two(exponent - half, real)


def exponent_of_largest(values: Tensor, dim: int | tuple[int, ...]) -> Tensor:
    """e with 2^(e − 1) ≤ max |entry| < 2^e along `dim`, which is kept; 0 where all entries are 0 or one is no number.

    A complex entry counts with the larger of its parts.
    """
    values = values.detach()
    size = torch.maximum(values.real.abs(), values.imag.abs()) if values.is_complex() else values.abs()
    largest = size.amax(dim=dim, keepdim=True)
    usable = torch.isfinite(largest)
    return torch.where(usable, torch.frexp(torch.where(usable, largest, 0.0)).exponent, 0)
