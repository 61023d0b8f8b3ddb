"""The limit 2ε on the scale of computed distances: which pairs conflict, and which might."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal, TypeAlias, final

from natrob_empirical.ceiling.pixel_levels import PixelLevels

CeilingNorm: TypeAlias = Literal["L2", "Linf", "L1"]

_RELATIVE: Final = Fraction(1, 2**52)
"""A radius such as 8/255 is the float nearest to a fraction that may have been meant: off by at most half of this."""


@final
@dataclass(frozen=True, kw_only=True)
class DistanceLimits:
    """A computed distance of at most `certain` is one of at most 2ε; above `possible` it is one of more than 2ε.

    Distances are in grid steps, or in pixels where there is no grid; those of L2 are squared.

    Attributes:
        certain, possible: equal but for ties that rounding leaves open.
    """

    certain: int | float
    possible: int | float


def distance_limits(pixels: PixelLevels, norm: CeilingNorm, epsilon: float) -> DistanceLimits:
    """Computes both limits in rational numbers.

    ε is the float's exact value. A distance within rounding of 2ε that is not equal to it stays open: of a radius that
    no float holds, such as 8/255, the nearest fraction may be meant, and float32 pixels lie beside their grid. Where
    the grid is one of floats, as k/16, and 2ε a distance on it, ties are decided, and join.

    Args:
        pixels: of the images.
        norm: of the distance.
        epsilon: the radius, at least 0.
    """
    scale = Fraction(pixels.scale or 1)
    limit = 2 * Fraction(epsilon) * scale
    power = 2 if norm == "L2" else 1
    if pixels.exact and pixels.error == 0 and (limit**power).denominator == 1:
        return DistanceLimits(certain=int(limit**power), possible=int(limit**power))
    slack = limit * _RELATIVE + 2 * pixels.error * scale * _pixel_count(pixels.dimension, norm)
    low, high = max(limit - slack, Fraction(-1)), limit + slack
    if pixels.exact:
        return DistanceLimits(certain=-1 if low < 0 else math.floor(low**power), possible=math.floor(high**power))
    error = _evaluation_error(pixels.dimension, norm)
    certain = -1.0 if low < 0 else float(low**power) * (1 - 2**-50) - error
    return DistanceLimits(certain=certain, possible=float(high**power) * (1 + 2**-50) + error)


def diameter_reached(pixels: PixelLevels, norm: CeilingNorm, epsilon: float) -> bool:
    """Whether no two images of [0, 1]^d are farther apart than 2ε: 1 in L∞, √d in L2, d in L1."""
    power = 2 if norm == "L2" else 1
    return (2 * Fraction(epsilon)) ** power >= (1 if norm == "Linf" else pixels.dimension)


def _pixel_count(dimension: int, norm: CeilingNorm) -> int:
    """How far a move of each pixel by 1 moves an image at most: 1 in L∞, √d in L2 (rounded up), d in L1."""
    return {"Linf": 1, "L2": math.isqrt(dimension - 1) + 1, "L1": dimension}[norm]


def _evaluation_error(dimension: int, norm: CeilingNorm) -> float:
    """Bounds the float64 error of a distance without a grid, pixels being in [0, 1].

    A pixel's difference is off by 2⁻⁵³, a sum of d of them by d²·2⁻⁵³. ‖a‖² + ‖b‖² − 2⟨a, b⟩ has three sums of d terms
    of at most 1, each off by d²·2⁻⁵³ whatever their order, and 2⟨a, b⟩ counts twice.
    """
    return {"Linf": 1.0, "L1": 2.0 * dimension**2, "L2": 8.0 * dimension**2}[norm] * 2.0**-52
