"""Large independent sets by exchange: a bound of α from below, and the images that some classifier keeps."""

from collections.abc import Mapping, Sequence
from typing import Final, final

from natrob_empirical.ceiling.conflict_graph import Adjacency

_PATIENCE: Final = 16
"""Exchanges without a larger set before two vertices are given up for one."""


def independent_set(
    vertices: Sequence[int], adjacency: Adjacency, *, exchanges: int, shares: Mapping[int, float] | None = None,
    enough: int | None = None,
) -> list[int]:  # fmt: skip
    """A maximal independent set, found greedily and improved by exchange; nothing is drawn by chance.

    An exchange puts in the vertex that has rested longest of those with one neighbour in the set, and takes that
    neighbour out. Where that leads nowhere for long, a vertex with two neighbours in the set goes in.

    Args:
        vertices: of the graph.
        adjacency: of the graph; neighbours outside the vertices do not count.
        exchanges: how many at most.
        shares: vertex → how much a relaxed solution wants it; the greedy set begins with the largest.
        enough: a size beyond which none can be, at which the search ends.
    """
    wanted = shares or {}
    order = sorted(vertices, key=lambda vertex: (-wanted.get(vertex, 0.0), len(adjacency[vertex]), vertex))
    search = _Exchange(order, adjacency)
    for vertex in order:
        if search.tight[vertex] == 0 and vertex not in search.chosen:
            search.put_in(vertex)
    best = sorted(search.chosen)
    calm = 0
    for _ in range(exchanges):
        if enough is not None and len(best) >= enough:
            break
        calm += 1
        if not search.exchange(neighbours=1 if calm % _PATIENCE else 2):
            break
        if len(search.chosen) > len(best):
            best, calm = sorted(search.chosen), 0
    return best


@final
class _Exchange:
    """An independent set under exchange.

    Attributes:
        chosen: the set.
        tight: vertex → how many neighbours it has in the set.
        ready: number of neighbours in the set, 1 or 2 → the vertices outside with so many.
    """

    def __init__(self, vertices: Sequence[int], adjacency: Adjacency) -> None:
        self.adjacency = adjacency
        self.chosen: set[int] = set()
        self.tight = dict.fromkeys(vertices, 0)
        self.moved = {vertex: -position for position, vertex in enumerate(reversed(vertices))}
        self.ready: dict[int, set[int]] = {1: set(), 2: set()}
        self.time = 0

    def exchange(self, neighbours: int) -> bool:
        """Puts one vertex with so many neighbours in the set in, and what is free after that; False if none is."""
        candidates = self.ready[neighbours] or self.ready[3 - neighbours]
        if not candidates:
            return False
        joining = min(candidates, key=self.moved.__getitem__)
        free: list[int] = []
        for leaving in [vertex for vertex in self.adjacency[joining] if vertex in self.chosen]:
            free += self._take_out(leaving)
        self.put_in(joining)
        for vertex in sorted(free, key=self.moved.__getitem__):
            if self.tight[vertex] == 0 and vertex not in self.chosen:
                self.put_in(vertex)
        return True

    def put_in(self, vertex: int) -> None:
        """The vertex has no neighbour in the set."""
        self.time += 1
        self.moved[vertex] = self.time
        self.chosen.add(vertex)
        for other in self.adjacency[vertex]:
            if other in self.tight:
                self._shift(other, 1)

    def _take_out(self, vertex: int) -> list[int]:
        """The vertices that are free without it."""
        self.time += 1
        self.moved[vertex] = self.time
        self.chosen.discard(vertex)
        free = []
        for other in self.adjacency[vertex]:
            if other in self.tight:
                self._shift(other, -1)
                if self.tight[other] == 0:
                    free.append(other)
        return free

    def _shift(self, vertex: int, change: int) -> None:
        before = self.tight[vertex]
        self.tight[vertex] = before + change
        if before in self.ready:
            self.ready[before].discard(vertex)
        if before + change in self.ready:
            self.ready[before + change].add(vertex)
