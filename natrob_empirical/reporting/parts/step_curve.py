"""Accuracy over the budget as a step function, image by image: the share of thresholds above ε, never in between."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, Literal, final

from natrob_empirical.reporting.parts.chart import drawn

_DIGITS: Final = 3
"""Thresholds keep so many digits, rounded outward: far below a pixel, and 10,000 images stay a few hundred steps."""
_GRID: Final = 500
"""A figure cannot show steps closer to each other than this part of its axis."""


@final
@dataclass(frozen=True, kw_only=True)
class StepCurve:
    """A bound of the accuracy at every budget.

    Attributes:
        thresholds: rising; where the curve may fall.
        kind: "lower" for certified radii, "upper" for distances of wrong images.
    """

    thresholds: Sequence[float]
    kind: Literal["lower", "upper"]

    @classmethod
    def over(cls, thresholds: Sequence[float], kind: Literal["lower", "upper"]) -> "StepCurve":
        """Makes the curve of one threshold an image, rounded down for a lower bound and up for an upper one."""
        rounded = [drawn(each, kind, _DIGITS) if math.isfinite(each) and each > 0 else each for each in thresholds]
        return cls(thresholds=sorted(each for each in rounded if each is not None), kind=kind)

    def on_grid(self, end: float) -> "StepCurve":
        """The curve with its steps on a grid of the axis, moved outward by less than a pixel or two."""
        unit = end / _GRID
        outward = math.floor if self.kind == "lower" else math.ceil
        moved = [
            drawn(outward(each / unit) * unit, self.kind, _DIGITS + 1) for each in self.thresholds if 0 < each < end
        ]
        rest = [each for each in self.thresholds if not 0 < each < end]
        return replace(self, thresholds=sorted([*rest, *(each for each in moved if each is not None)]))

    def right_of(self, epsilon: float) -> float:
        """The share of images whose threshold lies above ε: the curve's value from ε to its next step."""
        return (len(self.thresholds) - bisect_right(self.thresholds, epsilon)) / len(self.thresholds)

    def steps(self, end: float) -> list[float]:
        """Where it may fall, from 0 to `end`, both with it."""
        return sorted({0.0, end, *(each for each in self.thresholds if 0 < each < end)})

    def crossing(self, share: float, end: float) -> float:
        """The first ε from which on at most this share is left; `end` where more is left everywhere."""
        return next((epsilon for epsilon in self.steps(end) if self.right_of(epsilon) <= share), end)

    def share(self, epsilon: float) -> float | None:
        """The value from ε on as drawn."""
        return drawn(self.right_of(epsilon), self.kind)


def merged(low: StepCurve | None, high: StepCurve, end: float) -> list[dict[str, object]]:
    """Rows of both curves at every step that a figure can show, certified 0 where there is no certificate."""
    low, high = low.on_grid(end) if low else None, high.on_grid(end)
    edges = sorted({*high.steps(end), *(low.steps(end) if low else ())})
    found: list[dict[str, object]] = [
        {"epsilon": drawn(epsilon), "certified": low.share(epsilon) if low else 0.0, "attacked": high.share(epsilon)}
        for epsilon in edges
    ]
    same = [_shares(row) == _shares(before) for before, row in pairwise(found)]
    return [row for row, repeated in zip(found, [False, *same[:-1], False], strict=True) if not repeated]


def _shares(row: dict[str, object]) -> tuple[object, object]:
    return row["certified"], row["attacked"]
