"""The conflict graph: images joined to those of other labels that are too near for both to be robust."""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias, final

import numpy as np
import numpy.typing as npt

Adjacency: TypeAlias = list[set[int]]
"""Vertex → its neighbours."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ConflictGraph:
    """Images as vertices and conflicts as edges, without distances: equal images of two labels are joined too.

    Attributes:
        count: of the images.
        first, second: the ends of every edge, each edge once and `first` below `second`.
    """

    count: int
    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]

    @cached_property
    def _keys(self) -> npt.NDArray[np.int64]:
        """Edges as sorted numbers."""
        return np.sort(self.first.astype(np.int64) * self.count + self.second)

    @property
    def edges(self) -> int:
        """How many."""
        return len(self.first)

    def joined(self, one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Whether each pair is an edge."""
        wanted = np.minimum(one, other) * self.count + np.maximum(one, other)
        keys = self._keys
        if len(keys) == 0:
            return np.zeros(len(wanted), dtype=np.bool_)
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return keys[place] == wanted

    def neighbours(self) -> Adjacency:
        """The neighbours of every vertex."""
        found: Adjacency = [set() for _ in range(self.count)]
        for one, other in zip(self.first.tolist(), self.second.tolist(), strict=True):
            found[one].add(other)
            found[other].add(one)
        return found


def components_of(adjacency: Adjacency, vertices: list[int]) -> list[list[int]]:
    """The connected components of the graph on these vertices, in the order of their first vertices."""
    left, found = set(vertices), []
    for start in vertices:
        if start not in left:
            continue
        left.discard(start)
        component, waiting = [start], [start]
        while waiting:
            reached = adjacency[waiting.pop()] & left
            left -= reached
            component.extend(reached)
            waiting.extend(reached)
        found.append(sorted(component))
    return found
