"""Cliques of a conflict graph: grown to maximal ones, and the heaviest ones under weights of vertices."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, final

from natrob_empirical.ceiling.certificates import Clique
from natrob_empirical.ceiling.conflict_graph import Adjacency

_GAIN: Final = 1e-7
"""A clique counts as heavier from so much on."""


def grown(members: Sequence[int], adjacency: Adjacency) -> Clique:
    """A maximal clique that holds these vertices: the vertex with most common neighbours joins first, then the first.

    A clique has at most one image of each class, so that it stays short.
    """
    clique = list(members)
    common = set.intersection(*(adjacency[vertex] for vertex in clique))
    while common:
        joining = max(common, key=lambda vertex: (len(adjacency[vertex] & common), -vertex))
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


def heavy_cliques(weights: Mapping[int, float], adjacency: Adjacency, limit: float) -> Iterator[Clique]:
    """For each vertex the heaviest clique that holds it, where that is heavier than the limit; grown to a maximal one.

    Args:
        weights: of the vertices above 0; the others weigh nothing.
        adjacency: of the graph.
        limit: on the sum of a clique's weights.
    """
    search = _HeaviestClique(weights, adjacency)
    for vertex in weights:
        heaviest = search.holding(vertex, limit)
        if heaviest:
            yield grown(heaviest, adjacency)


@final
class _HeaviestClique:
    """Branch and bound over the neighbours that weigh something, heaviest first."""

    def __init__(self, weights: Mapping[int, float], adjacency: Adjacency) -> None:
        self.weights, self.adjacency = weights, adjacency
        self.best: list[int] = []
        self.limit = 0.0

    def holding(self, vertex: int, limit: float) -> list[int]:
        """The heaviest clique that holds the vertex and weighs more than the limit; empty without one."""
        self.best, self.limit = [], limit
        near = [other for other in self.adjacency[vertex] if other in self.weights]
        near.sort(key=lambda other: (-self.weights[other], other))
        self._extend(self.weights[vertex], [vertex], near)
        return self.best

    def _extend(self, weight: float, members: list[int], candidates: list[int]) -> None:
        if weight > self.limit + _GAIN:
            self.limit, self.best = weight, members
        left = sum(self.weights[candidate] for candidate in candidates)
        for position, candidate in enumerate(candidates):
            if weight + left <= self.limit + _GAIN:
                return
            near = self.adjacency[candidate]
            later = [other for other in candidates[position + 1 :] if other in near]
            self._extend(weight + self.weights[candidate], [*members, candidate], later)
            left -= self.weights[candidate]
