"""Vertices that decide themselves, taken out of a graph: what is left is the kernel, and certificates come back."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias, final

from natrob_empirical.ceiling.certificates import Clique, CliqueCover, UpperCertificate, covers_changed
from natrob_empirical.ceiling.conflict_graph import Adjacency

_MOST_NEIGHBOURS: Final = 64
"""Vertices with more are not compared with their neighbours: it would take long and seldom helps."""


@final
@dataclass(frozen=True, kw_only=True)
class Simplicial:
    """A vertex whose neighbours are joined to each other: some largest independent set has it, and covers its clique.

    Attributes:
        vertex: chosen.
        clique: with its neighbours, which leave the graph with it.
    """

    vertex: int
    clique: Clique


@final
@dataclass(frozen=True, kw_only=True)
class Dominated:
    """A vertex that is joined to another and to all its neighbours: some largest independent set does without it.

    Attributes:
        vertex: which leaves the graph.
        by: the other. Every clique that covers it takes in the vertex.
    """

    vertex: int
    by: int


Reduction: TypeAlias = Simplicial | Dominated


@final
@dataclass(frozen=True, kw_only=True)
class Kernel:
    """The rest that reductions leave.

    Attributes:
        vertices: of the kernel, in order.
        adjacency: of the kernel.
        reductions: in the order in which they were made.
    """

    vertices: list[int]
    adjacency: Adjacency
    reductions: tuple[Reduction, ...]

    def independent(self, chosen: Iterable[int]) -> list[int]:
        """An independent set of the graph from one of the kernel; largest from largest."""
        forced = [each.vertex for each in self.reductions if isinstance(each, Simplicial)]
        return sorted([*chosen, *forced])

    @property
    def dominating(self) -> frozenset[int]:
        """Vertices whose cliques take others in: a case without them would leave those bare."""
        return frozenset(each.by for each in self.reductions if isinstance(each, Dominated))

    def upper(self, certificate: UpperCertificate) -> UpperCertificate:
        """A certificate of the graph from one of the kernel, whose bound grows by the vertices chosen.

        A dominated vertex leaves with its dominator where that is a neighbour of a vertex inside: it is joined to all
        neighbours of its dominator.
        """
        return covers_changed(certificate, self._cover)

    def _cover(self, cover: CliqueCover) -> CliqueCover:
        """A clique cover of the graph from one of the kernel."""
        cliques, numerators = [set(clique) for clique in cover.cliques], list(cover.numerators)
        holding: dict[int, list[int]] = {}
        for position, clique in enumerate(cliques):
            for vertex in clique:
                holding.setdefault(vertex, []).append(position)
        for reduction in reversed(self.reductions):
            if isinstance(reduction, Simplicial):
                for vertex in reduction.clique:
                    holding.setdefault(vertex, []).append(len(cliques))
                cliques.append(set(reduction.clique))
                numerators.append(cover.denominator)
            else:
                places = holding.get(reduction.by, [])
                for position in places:
                    cliques[position].add(reduction.vertex)
                holding.setdefault(reduction.vertex, []).extend(places)
        return CliqueCover(
            cliques=tuple(tuple(sorted(clique)) for clique in cliques),
            numerators=tuple(numerators),
            denominator=cover.denominator,
        )


def kernel_of(adjacency: Adjacency) -> Kernel:
    """Takes simplicial and dominated vertices out until none is found. The adjacency given is left as it is."""
    return _Reducing([set(each) for each in adjacency]).run()


@final
class _Reducing:
    """The state of one run: the graph as it is by now, and the vertices whose neighbours have changed."""

    def __init__(self, adjacency: Adjacency) -> None:
        self.adjacency = adjacency
        self.alive = [True] * len(adjacency)
        self.waiting = deque(range(len(adjacency)))
        self.queued = [True] * len(adjacency)
        self.reductions: list[Reduction] = []

    def run(self) -> Kernel:
        while self.waiting:
            vertex = self.waiting.popleft()
            self.queued[vertex] = False
            if self.alive[vertex] and not self._take(vertex):
                self._drop_dominated(vertex)
        vertices = [vertex for vertex, alive in enumerate(self.alive) if alive]
        return Kernel(vertices=vertices, adjacency=self.adjacency, reductions=tuple(self.reductions))

    def _take(self, vertex: int) -> bool:
        """Chooses the vertex if its neighbours are all joined."""
        near = self.adjacency[vertex]
        if any(len(self.adjacency[other] & near) < len(near) - 1 for other in near):
            return False
        self.reductions.append(Simplicial(vertex=vertex, clique=(vertex, *sorted(near))))
        for other in (*near, vertex):
            self._remove(other)
        return True

    def _drop_dominated(self, vertex: int) -> None:
        """Removes the first neighbour that is joined to all the vertex's other neighbours, and looks again."""
        near = self.adjacency[vertex]
        if len(near) > _MOST_NEIGHBOURS:
            return
        for other in sorted(near):
            if len(self.adjacency[other]) >= len(near) and len(near - self.adjacency[other]) == 1:
                self.reductions.append(Dominated(vertex=other, by=vertex))
                self._remove(other)
                return  # the removal has put the vertex back into the queue

    def _remove(self, vertex: int) -> None:
        self.alive[vertex] = False
        for other in self.adjacency[vertex]:
            self.adjacency[other].discard(vertex)
            if not self.queued[other]:
                self.queued[other] = True
                self.waiting.append(other)
        self.adjacency[vertex] = set()
