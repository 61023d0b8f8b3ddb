"""Outward rounding: how a bound computed in float64 stays a bound.

A value that is built from nonnegative numbers by `operations` roundings to nearest has relative error at most
`operations·u/(1 − operations·u)`, u = 2⁻⁵³ (Higham, *Accuracy and Stability of Numerical Algorithms*, Lemma 3.1).
Multiplying by `1 + (operations + 2)·2u` therefore moves it to or above the exact value, the rounding of that
last product included.
"""

import math

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


def unit_roundoff(dtype: torch.dtype) -> float:
    """u of a floating-point type: half the distance from 1 to the next larger number."""
    return torch.finfo(dtype).eps / 2
