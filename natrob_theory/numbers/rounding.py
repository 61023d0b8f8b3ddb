"""Outward rounding: how a bound computed in float64 stays a bound.

A value that is built from nonnegative numbers by `operations` roundings to nearest has relative error at most
`operations·u/(1 − operations·u)`, u = 2⁻⁵³ (Higham, *Accuracy and Stability of Numerical Algorithms*, Lemma 3.1).
Multiplying by `1 + (operations + 2)·2u` therefore moves it to or above the exact value, the rounding of that
last product included.
"""

import math
import sys

import torch

EPSILON = 2.0**-52  # 2u: the spacing of float64 at 1
SMALLEST_SAFE = 1e-290  # a positive bound below it is raised to it, so that products of two still have relative errors


def round_up(value: torch.Tensor, operations: int) -> torch.Tensor:
    """A float64 tensor, elementwise at least the exact value of which `value` is the rounded result.

    `value` is nonnegative and was reached by at most `operations` roundings without cancellation and without
    underflow: below about 1e-300 relative errors have no bound. A NaN, which
    only 0·∞ after an overflow can produce, becomes +∞: a true if useless upper bound.
    """
    return torch.nan_to_num(value * (1.0 + (operations + 2) * EPSILON), nan=math.inf, posinf=math.inf)


def raised_to_normal(value: torch.Tensor) -> torch.Tensor:
    """Positive entries of an upper bound, raised to the smallest normal number: below it rounding is not relative."""
    return torch.where(value > 0, value.clamp_min(torch.finfo(value.dtype).tiny), value)


def product_up(*factors: float) -> float:
    """The product of nonnegative factors, rounded outward; 0 if one is 0, positive if none is, ∞ where it overflows.

    A factor 0 makes a map constant, whatever comes with it. Without this an underflow would turn a bound into 0, and an
    overflow times 0 into NaN.
    """
    if 0.0 in factors:
        return 0.0
    product = 1.0
    for factor in factors:
        product = max(product * factor * (1.0 + 2 * EPSILON), sys.float_info.min)
    return product


def times_up(values: torch.Tensor, factors: torch.Tensor | float) -> torch.Tensor:
    """The products of nonnegative numbers, rounded outward; positive where both are, however small they are."""
    product = values * factors * (1.0 + 2 * EPSILON)
    both = (values > 0) & (torch.as_tensor(factors, dtype=values.dtype, device=values.device) > 0)
    return torch.where(both, product.clamp_min(torch.finfo(product.dtype).tiny), product)


def unit_roundoff(dtype: torch.dtype) -> float:
    """u of a floating-point type: half the distance from 1 to the next larger number."""
    return torch.finfo(dtype).eps / 2
