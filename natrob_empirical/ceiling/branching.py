"""Cases that narrow the gap between a clique cover and an independent set, or close it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, final

from natrob_empirical.ceiling.certificates import Branching, Clique, CliqueCover, UpperCertificate
from natrob_empirical.ceiling.clique_programme import DENOMINATOR, CoverSolution, best_clique_cover
from natrob_empirical.ceiling.conflict_graph import Adjacency

NOTHING: Final = CliqueCover(cliques=(), numerators=(), denominator=DENOMINATOR)
"""Covers no vertex."""
_ROUNDS: Final = 4
"""Linear programmes of one case at most."""


def branched(
    vertices: Sequence[int], adjacency: Adjacency, root: CoverSolution, *, wanted: int, cases: int,
    never: Collection[int],
) -> UpperCertificate:  # fmt: skip
    """Divides the loosest case in two, again and again, until the bound is as wanted or there are so many cases.

    Args:
        vertices: of the graph.
        adjacency: of the graph.
        root: the best cover of the whole.
        wanted: the size of an independent set, below which no bound can be.
        cases: how many there may be.
        never: vertices that no case is about.
    """
    first = _Case(vertices=vertices, found=root, inside=0)
    open_cases = [first]
    while len(open_cases) < cases:
        loosest = max(open_cases, key=lambda case: case.bound)
        vertex = None if loosest.bound <= wanted else _telling(loosest, adjacency, never)
        if vertex is None:
            break
        loosest.divide(vertex, adjacency, wanted)
        open_cases.remove(loosest)
        open_cases.extend(loosest.parts)
    return first.certificate


@final
@dataclass(kw_only=True, eq=False)
class _Case:
    """The part of a graph that is left once some vertices are in the independent set, and others are not.

    Attributes:
        vertices: that are left.
        found: their cover.
        inside: how many vertices are in the set already.
        vertex: which the two parts are about, if the case is divided.
        parts: with the vertex inside, and outside; none if it is not.
    """

    vertices: Sequence[int]
    found: CoverSolution
    inside: int
    vertex: int = -1
    parts: "tuple[_Case, ...]" = ()

    @property
    def bound(self) -> int:
        """At most so many vertices in all, by this cover."""
        return self.inside + self.found.cover.bound

    @property
    def certificate(self) -> UpperCertificate:
        """Bounds α of the vertices that are left."""
        if not self.parts:
            return self.found.cover
        inside, outside = (part.certificate for part in self.parts)
        return Branching(vertex=self.vertex, inside=inside, outside=outside)

    def divide(self, vertex: int, adjacency: Adjacency, wanted: int) -> None:
        """Opens the two cases of a vertex."""
        near, self.vertex = adjacency[vertex], vertex
        others = [other for other in self.vertices if other != vertex]
        apart = [other for other in others if other not in near]
        self.parts = (
            self._part(apart, adjacency, inside=self.inside + 1, wanted=wanted),
            self._part(others, adjacency, inside=self.inside, wanted=wanted),
        )

    def _part(self, vertices: Sequence[int], adjacency: Adjacency, *, inside: int, wanted: int) -> "_Case":
        """A case with these vertices, covered by the cliques of this one to begin with."""
        if not vertices:
            nothing = CoverSolution(cover=NOTHING, shares={}, cliques=(), closed=True)
            return _Case(vertices=(), found=nothing, inside=inside)
        left = set(vertices)
        nearer = [near & left if vertex in left else set() for vertex, near in enumerate(adjacency)]
        known: dict[Clique, None] = {}
        for clique in self.found.cliques:
            if kept := tuple(vertex for vertex in clique if vertex in left):
                known[kept] = None
        found = best_clique_cover(vertices, nearer, rounds=_ROUNDS, known=tuple(known), enough=wanted - inside)
        return _Case(vertices=vertices, found=found, inside=inside)


def _telling(case: _Case, adjacency: Adjacency, never: Collection[int]) -> int | None:
    """The undecided vertex whose neighbours have the largest shares; None where none is undecided."""
    shares = case.found.shares
    weights = {
        vertex: min(share, 1 - share) * sum(shares.get(other, 0.0) for other in adjacency[vertex])
        for vertex in case.vertices
        if vertex not in never and 0.01 < (share := shares.get(vertex, 0.0)) < 0.99
    }
    return max(weights, key=weights.__getitem__, default=None)
