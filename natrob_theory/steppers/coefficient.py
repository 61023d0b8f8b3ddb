"""Numbers of a method, in both forms that arithmetics need."""

from fractions import Fraction
from typing import NamedTuple


class Coefficient(NamedTuple):
    """A node or weight of a method: the nearest float64 for tensors and bounds, the exact fraction for balls."""

    number: float
    exact: Fraction


def coefficient(exact: Fraction | int | str) -> Coefficient:
    """The coefficient of a fraction, an integer or a string such as "44/45"."""
    fraction = Fraction(exact)
    return Coefficient(float(fraction), fraction)


ZERO, HALF, ONE = coefficient(0), coefficient("1/2"), coefficient(1)
