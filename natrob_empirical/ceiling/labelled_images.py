"""Labelled images in a norm: their conflicts at a radius, and the ceiling that these set."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import numpy.typing as npt

from natrob_empirical.ceiling.ceiling import Ceiling, Witness
from natrob_empirical.ceiling.certificates import require_independent, whole_cover
from natrob_empirical.ceiling.conflict_graph import ConflictGraph
from natrob_empirical.ceiling.distance_limits import CeilingNorm, DistanceLimits, distance_limits
from natrob_empirical.ceiling.near_pairs import SEARCHES, Labels, NearPairs
from natrob_empirical.ceiling.nearest_pairs import NearestPairs, nearest_pairs
from natrob_empirical.ceiling.pixel_levels import PixelLevels
from natrob_empirical.ceiling.solution import Solution, matched, solve

_WITNESSES: Final = 10
MOST_PAIRS: Final = 20_000_000
"""More conflicts are not held: the farthest pairs are left out, which only loosens the upper bound."""
MOST_FOR_CLIQUES: Final = 3_000_000
"""Graphs with more edges are bounded by a matching."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledImages:
    """Images as levels, their labels, and the norm."""

    pixels: PixelLevels
    labels: Labels
    norm: CeilingNorm

    @property
    def classes(self) -> npt.NDArray[np.int64]:
        """The size of every class that occurs."""
        return np.unique(self.labels, return_counts=True)[1]

    def limits(self, epsilon: float) -> DistanceLimits:
        """2ε on the scale of the distances."""
        return distance_limits(self.pixels, self.norm, epsilon)

    def pairs(self, epsilon: float) -> NearestPairs:
        """The pairs that may conflict at this radius, of which the nearest are kept."""
        search = SEARCHES[self.norm](self.pixels.levels, self.labels, self.limits(epsilon).possible)
        return nearest_pairs(search.blocks(), MOST_PAIRS)

    def ceiling(self, epsilon: float, found: NearestPairs) -> Ceiling:
        """The ceiling from the pairs of a radius at least as large."""
        limits, pairs = self.limits(epsilon), found.pairs
        possible = int(np.searchsorted(pairs.distance, limits.possible, side="right"))
        certain = int(np.searchsorted(pairs.distance, limits.certain, side="right"))
        left_out = found.left_out if possible == len(pairs.first) else 0
        graph = self._graph(pairs, certain)
        solution = self._solution(graph)
        chosen = () if left_out else self._without_undecided(solution.chosen, pairs, certain, possible)
        robust = max(chosen, self._largest_class(), key=len)
        return self._result(
            epsilon, solution, robust, conflicts=certain + left_out, undecided=possible - certain, left_out=left_out,
            witnesses=self._witnesses(pairs, min(certain, _WITNESSES)),
        )  # fmt: skip

    def whole_ceiling(self, epsilon: float) -> Ceiling:
        """The ceiling where any two images of different labels conflict: the largest class.

        The k-th images of all classes are a clique, and every image is in one.
        """
        classes = [np.flatnonzero(self.labels == label).tolist() for label in np.unique(self.labels)]
        cliques = [[members[k] for members in classes if k < len(members)] for k in range(max(map(len, classes)))]
        largest = self._largest_class()
        solution = Solution(cover=whole_cover(cliques), chosen=largest, method="class sizes")
        count, sizes = len(self.labels), self.classes
        conflicts = (count * count - int((sizes * sizes).sum())) // 2
        witness = () if len(classes) < 2 else (self._witness(classes[0][0], classes[1][0]),)
        return self._result(epsilon, solution, largest, conflicts=conflicts, undecided=0, left_out=0, witnesses=witness)

    def _graph(self, pairs: NearPairs, count: int) -> ConflictGraph:
        return ConflictGraph(count=len(self.labels), first=pairs.first[:count], second=pairs.second[:count])

    def _solution(self, graph: ConflictGraph) -> Solution:
        return solve(graph) if graph.edges <= MOST_FOR_CLIQUES else matched(graph)

    def _without_undecided(
        self, chosen: tuple[int, ...], pairs: NearPairs, certain: int, possible: int
    ) -> tuple[int, ...]:
        """The independent set that is left once one image of every undecided pair in it has gone; checked again."""
        kept = set(chosen)
        for first, second in zip(pairs.first[certain:possible], pairs.second[certain:possible], strict=True):
            if int(first) in kept and int(second) in kept:
                kept.discard(int(second))
        found = tuple(sorted(kept))
        require_independent(self._graph(pairs, possible), found)
        return found

    def _largest_class(self) -> tuple[int, ...]:
        """The positions of the largest class, the first of equals: no two of its images conflict."""
        kinds, counts = np.unique(self.labels, return_counts=True)
        return tuple(np.flatnonzero(self.labels == kinds[int(np.argmax(counts))]).tolist())

    def _witnesses(self, pairs: NearPairs, count: int) -> tuple[Witness, ...]:
        return tuple(
            self._witness(first, second)
            for first, second in zip(pairs.first[:count].tolist(), pairs.second[:count].tolist(), strict=True)
        )

    def _witness(self, first: int, second: int) -> Witness:
        offset = self.pixels.levels[first].astype(np.float64) - self.pixels.levels[second].astype(np.float64)
        order = {"L2": 2, "Linf": np.inf, "L1": 1}[self.norm]
        distance = float(np.linalg.norm(offset, ord=order)) / (self.pixels.scale or 1)
        return Witness(first=first, second=second, distance=distance)

    def _equal_images(self) -> int:
        """Pairs of equal images with different labels."""
        labels_of: dict[bytes, list[int]] = {}
        for row, label in zip(self.pixels.levels, self.labels.tolist(), strict=True):
            labels_of.setdefault(row.tobytes(), []).append(label)
        counts = [Counter(labels) for labels in labels_of.values() if len(labels) > 1]
        return sum((each.total() ** 2 - sum(n * n for n in each.values())) // 2 for each in counts)

    def _result(
        self, epsilon: float, solution: Solution, robust: Iterable[int], *, conflicts: int, undecided: int,
        left_out: int, witnesses: tuple[Witness, ...],
    ) -> Ceiling:  # fmt: skip
        most, method = solution.cover.bound, solution.method
        return Ceiling(
            norm=self.norm, epsilon=epsilon, images=len(self.labels), most=most, cover=solution.cover,
            robust=tuple(robust), method=method, conflicts=conflicts, undecided=undecided, left_out=left_out,
            equal_images=self._equal_images(), witnesses=witnesses, classes=len(self.classes),
        )  # fmt: skip
