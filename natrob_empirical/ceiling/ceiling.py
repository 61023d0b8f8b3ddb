"""The answer of a ceiling: at most so many images are robust at once, and some classifier reaches so many."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias, final

from natrob_empirical.ceiling.certificates import UpperCertificate
from natrob_empirical.ceiling.distance_limits import CeilingNorm

Pair: TypeAlias = tuple[int, int]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Witness:
    """Two images of different labels whose balls share a point: no classifier is right on both balls.

    Attributes:
        first, second: their positions.
        distance: between them, rounded to nearest.
    """

    first: int
    second: int
    distance: float


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Ceiling:
    """The robust accuracy that no deterministic classifier of single images exceeds on these images.

    Attributes:
        norm, epsilon: of the balls.
        images: how many.
        most: at most so many are robust at once.
        cover: proves it: fractional cliques that cover the images and weigh no more, or such a cover for each of two
            cases about an image, and so on.
        robust: positions of images that a classifier keeps together: no two of them conflict.
        method: what the two bounds rest on, in words.
        conflicts: pairs of different labels whose distance is at most 2ε.
        undecided: pairs that rounding leaves open. They are no conflicts for `most`, and conflicts for `robust`.
        left_out: conflicts that `most` does without, since there are too many to hold.
        equal_images: pairs of equal images with different labels, which conflict at every radius.
        witnesses: the nearest conflicting pairs, nearest first; at most ten.
        classes: labels that occur. With one class nothing conflicts, and the ceiling is 1.
    """

    norm: CeilingNorm
    epsilon: float
    images: int
    most: int
    cover: UpperCertificate
    robust: tuple[int, ...]
    method: str
    conflicts: int
    undecided: int
    left_out: int
    equal_images: int
    witnesses: tuple[Witness, ...]
    classes: int
    kind: Literal["upper"] = "upper"

    @property
    def value(self) -> float:
        """The ceiling as a share of the images, rounded up."""
        return _share(self.most, self.images, up=True)

    @property
    def lower(self) -> float:
        """The share that some classifier reaches, rounded down: the true ceiling is between this and `value`."""
        return _share(len(self.robust), self.images, up=False)

    @property
    def attained(self) -> bool:
        """Whether both sides meet: the ceiling is exact."""
        return len(self.robust) == self.most


def _share(part: int, whole: int, *, up: bool) -> float:
    """The quotient as a float on the side asked for."""
    quotient, exact = part / whole, Fraction(part, whole)
    if up:
        return quotient if Fraction(quotient) >= exact else math.nextafter(quotient, math.inf)
    return quotient if Fraction(quotient) <= exact else math.nextafter(quotient, -math.inf)
