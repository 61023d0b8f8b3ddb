"""Cliques of a conflict graph: grown to maximal ones, and the heaviest ones under weights of vertices."""

from collections.abc import Iterator, Mapping, Sequence
from heapq import nsmallest
from typing import Final, final

from natrob_empirical.ceiling.certificates import Clique
from natrob_empirical.ceiling.conflict_graph import Adjacency

_GAIN: Final = 1e-7
"""A clique counts as heavier from so much on."""

_FEW: Final = 64
_CANDIDATES: Final = 64
_BRANCHES: Final = 300
"""The search around one vertex looks at so many of its heaviest neighbours, and so many cliques, at most."""


def grown(members: Sequence[int], adjacency: Adjacency) -> Clique:
    """A maximal clique that holds these vertices: of the candidates that with most neighbours among them joins first.

    Of many candidates that with most neighbours in the graph does, which is known at once. A clique has at most one
    image of each class, so that it stays short.
    """
    clique = list(members)
    common = set.intersection(*(adjacency[vertex] for vertex in clique))
    while common:
        few = len(common) <= _FEW
        joining = max(common, key=lambda v: (len(adjacency[v] & common) if few else len(adjacency[v]), -v))
        clique.append(joining)
        common &= adjacency[joining]
    return tuple(sorted(clique))


def covering_cliques(vertices: Sequence[int], adjacency: Adjacency) -> list[Clique]:
    """Maximal cliques that hold every vertex, each vertex in at least one."""
    found: list[Clique] = []
    covered: set[int] = set()
    for vertex in vertices:
        if vertex not in covered:
            clique = grown([vertex], adjacency)
            covered.update(clique)
            found.append(clique)
    return found


def heavy_cliques(weights: Mapping[int, float], adjacency: Adjacency, limit: float, *, apiece: int) -> Iterator[Clique]:
    """For each vertex heavy cliques that hold it, if heavier than the limit; grown to maximal ones.

    The search is whole where few neighbours weigh something, and cut short where many do.

    Args:
        weights: of the vertices above 0; the others weigh nothing.
        adjacency: of the graph.
        limit: on the sum of a clique's weights.
        apiece: cliques for one vertex at most, the heaviest first.
    """
    search = _HeaviestClique(weights, adjacency)
    for vertex in weights:
        for heavy in search.holding(vertex, limit, apiece):
            yield grown(heavy, adjacency)


@final
class _HeaviestClique:
    """Branch and bound over the neighbours that weigh something, heaviest first."""

    def __init__(self, weights: Mapping[int, float], adjacency: Adjacency) -> None:
        self.weights, self.adjacency = weights, adjacency
        self.best: list[int] = []
        self.limit = 0.0
        self.branches = 0

    def holding(self, vertex: int, limit: float, apiece: int) -> Iterator[list[int]]:
        """The heaviest clique that holds the vertex and weighs more than the limit, then some without its others."""
        near = (other for other in self.adjacency[vertex] if other in self.weights)
        heaviest = nsmallest(_CANDIDATES, near, key=lambda other: (-self.weights[other], other))
        for _ in range(apiece):
            self.best, self.limit, self.branches = [], limit, _BRANCHES
            self._extend(self.weights[vertex], [vertex], heaviest)
            if not self.best:
                return
            yield self.best
            taken = set(self.best)
            heaviest = [other for other in heaviest if other not in taken]

    def _extend(self, weight: float, members: list[int], candidates: list[int]) -> None:
        if weight > self.limit + _GAIN:
            self.limit, self.best = weight, members
        left = sum(self.weights[candidate] for candidate in candidates)
        for position, candidate in enumerate(candidates):
            if weight + left <= self.limit + _GAIN or self.branches == 0:
                return
            self.branches -= 1
            near = self.adjacency[candidate]
            later = [other for other in candidates[position + 1 :] if other in near]
            self._extend(weight + self.weights[candidate], [*members, candidate], later)
            left -= self.weights[candidate]
