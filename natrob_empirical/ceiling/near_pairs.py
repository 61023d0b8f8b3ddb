"""Pairs of images of different labels within a distance, found block by block and measured exactly."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, final

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from natrob_empirical.ceiling.blocks import row_blocks
from natrob_empirical.ceiling.pixel_levels import Levels

Indices: TypeAlias = npt.NDArray[np.int64]
Labels: TypeAlias = npt.NDArray[np.int64]
Measure: TypeAlias = Callable[[Indices, Indices], npt.NDArray[Any]]
"""Rows and columns of a block → distances: int64 on a grid, else float64; beyond the limit any number above it."""

_BATCH: Final = 1 << 15
"""Pairs that are measured at once."""
_FIRST_PIXELS: Final = 48
"""The pixels that vary most are looked at first: they part most pairs."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class NearPairs:
    """Pairs of positions, `first` before `second`, with the distances computed: whole numbers or float64."""

    first: Indices
    second: Indices
    distance: npt.NDArray[Any]


class AbstractPairSearch(ABC):
    """The images of a search, prepared once; a norm says which pairs it cannot rule out, and measures them.

    Args:
        levels: a row an image.
        labels: of the images.
        limit: the largest distance wanted, on the scale of the norm's computed distances.
    """

    def __init__(self, levels: Levels, labels: Labels, limit: int | float) -> None:
        self.levels, self.labels, self.limit = levels, labels, limit
        self.whole = bool(np.issubdtype(levels.dtype, np.integer))

    @final
    def blocks(self) -> Iterator[NearPairs]:
        """Yields the pairs within the limit, in blocks of first images."""
        for rows in row_blocks(len(self.levels)):
            later = slice(rows.start, len(self.levels))
            near, measured = self._candidates(rows, later)
            near &= self.labels[rows, None] != self.labels[None, later]
            first, second = np.nonzero(near)
            after = second > first  # the columns begin where the rows begin
            first, second = first[after], second[after]
            distance = measured(first, second)
            first, second, kept = first + rows.start, second + rows.start, distance <= self.limit
            yield NearPairs(first=first[kept], second=second[kept], distance=distance[kept])

    @abstractmethod
    def _candidates(self, rows: slice, columns: slice) -> tuple[npt.NDArray[np.bool_], Measure]:
        """A block that is False only where a pair is surely beyond the limit, and what measures pairs of the block."""


@final
class EuclideanSearch(AbstractPairSearch):
    """Squared L2 distances by ‖a‖² + ‖b‖² − 2⟨a, b⟩.

    On a grid every partial sum of a product is a whole number. Those of levels around 0 stay below 2²⁴ for images of
    a thousand pixels, so that float32 holds them; below 2⁵³ float64 does. Sums of float32 choose candidates alone.
    """

    def __init__(self, levels: Levels, labels: Labels, limit: int | float) -> None:
        super().__init__(levels, labels, limit)
        centre = (int(levels.max()) + 1) // 2 if self.whole else 0
        moved = levels.astype(np.float64) - centre
        largest = float(np.abs(moved).max()) ** 2 * moved.shape[1]
        if self.whole and largest >= 2**53:
            raise ValueError(f"`images` must have squared distances below 2⁵³ grid steps, got up to {largest:g}")
        self.single = self.whole and largest < 2**24
        self.moved = moved.astype(np.float32) if self.single else moved
        self.squares = np.einsum("ij,ij->i", moved, moved)

    def _candidates(self, rows: slice, columns: slice) -> tuple[npt.NDArray[np.bool_], Measure]:
        products = self.moved[rows] @ self.moved[columns].T
        # ⟨a, b⟩ − ‖b‖²/2 ≥ (‖a‖² − T)/2, in float32 off by at most 1 in each of three roundings of numbers below 2²⁵
        margin = 8.0 if self.single else 1e-9 * (1.0 + float(self.squares.max()))
        needed = (self.squares[rows] - self.limit) / 2 - margin
        half = (self.squares[columns] / 2).astype(products.dtype)
        near = products - half[None, :] >= needed[:, None].astype(products.dtype)

        def measure(first: Indices, second: Indices) -> npt.NDArray[Any]:
            both = self.squares[rows][first] + self.squares[columns][second]
            found = both - 2.0 * products[first, second].astype(np.float64)
            return found.astype(np.int64) if self.whole else np.maximum(found, 0.0)

        return near, measure


@final
class MaximumSearch(AbstractPairSearch):
    """L∞ distances. A pair is beyond the limit T once a pixel is at least c in one image and below c − T in the other.

    For one level c that is a product of matrices of zeros and ones. The few pairs left are measured pixel by pixel, the
    pixels that vary most first.
    """

    def __init__(self, levels: Levels, labels: Labels, limit: int | float) -> None:
        super().__init__(levels, labels, limit)
        self.cut = _best_cut(levels, limit)
        self.high = (levels >= self.cut).astype(np.float32)
        self.low = (levels < self.cut - limit).astype(np.float32)
        self.parts = _telling_parts(levels)

    def _candidates(self, rows: slice, columns: slice) -> tuple[npt.NDArray[np.bool_], Measure]:
        parted = self.high[rows] @ self.low[columns].T
        parted += self.low[rows] @ self.high[columns].T
        return parted < 0.5, in_batches(lambda first, second: self._largest(first + rows.start, second + columns.start))

    def _largest(self, first: Indices, second: Indices) -> npt.NDArray[Any]:
        """The largest difference; of pairs beyond the limit that of the pixels looked at so far."""
        found = np.zeros(len(first), dtype=np.int64 if self.whole else np.float64)
        left = np.arange(len(first))
        for pixels in self.parts:
            one, other = pixels[first[left]], pixels[second[left]]
            found[left] = np.maximum(found[left], (np.maximum(one, other) - np.minimum(one, other)).max(axis=1))
            left = left[found[left] <= self.limit]
        return found


@final
class AbsoluteSumSearch(AbstractPairSearch):
    """L1 distances. Sums over groups of pixels are no farther apart than the pixels, and rule most pairs out."""

    _GROUPS: Final = 49

    def __init__(self, levels: Levels, labels: Labels, limit: int | float) -> None:
        super().__init__(levels, labels, limit)
        groups = np.array_split(np.arange(levels.shape[1]), min(self._GROUPS, levels.shape[1]))
        self.sums = np.stack([levels[:, group].sum(axis=1, dtype=np.float64) for group in groups], axis=1)

    def _candidates(self, rows: slice, columns: slice) -> tuple[npt.NDArray[np.bool_], Measure]:
        margin = 0.0 if self.whole else 1e-9 * self.levels.shape[1]
        near = cdist(self.sums[rows], self.sums[columns], "cityblock") <= self.limit + margin
        return near, in_batches(lambda first, second: self._summed(first + rows.start, second + columns.start))

    def _summed(self, first: Indices, second: Indices) -> npt.NDArray[Any]:
        one, other = self.levels[first], self.levels[second]
        kind = np.int64 if self.whole else np.float64
        return (np.maximum(one, other) - np.minimum(one, other)).sum(axis=1, dtype=kind)


SEARCHES: Final = {"L2": EuclideanSearch, "Linf": MaximumSearch, "L1": AbsoluteSumSearch}


def in_batches(measure: Measure) -> Measure:
    """Makes a measure that gathers both images of every pair take a few pairs at once."""

    def measured(first: Indices, second: Indices) -> npt.NDArray[Any]:
        starts = range(0, max(1, len(first)), _BATCH)
        return np.concatenate([measure(first[at : at + _BATCH], second[at : at + _BATCH]) for at in starts])

    return measured


def _best_cut(levels: Levels, limit: int | float) -> float:
    """The level that parts most pairs of a few hundred images: Σ over pixels of P(x ≥ c)·P(x < c − T)."""
    some = levels[:: max(1, len(levels) // 500)].astype(np.float64)
    steps = np.unique(np.quantile(some, np.linspace(0.0, 1.0, 65)))
    cuts = np.unique(np.concatenate([steps, np.nextafter(steps + limit, np.inf)]))
    parted = [float(((some >= cut).mean(axis=0) * (some < cut - limit).mean(axis=0)).sum()) for cut in cuts]
    return float(cuts[int(np.argmax(parted))])


def _telling_parts(levels: Levels) -> list[Levels]:
    """The columns in order of falling variance, in parts that double."""
    order = np.argsort(-levels[:: max(1, len(levels) // 1000)].astype(np.float64).var(axis=0), kind="stable")
    ends = [_FIRST_PIXELS]
    while ends[-1] < len(order):
        ends.append(2 * ends[-1])
    return [np.ascontiguousarray(levels[:, part]) for part in np.split(order, ends) if len(part)]
