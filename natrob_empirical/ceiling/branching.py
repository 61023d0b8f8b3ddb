"""Cases that close the last gap between a clique cover and an independent set."""

from collections.abc import Collection, Sequence
from typing import Final, final

from natrob_empirical.ceiling.certificates import Branching, Clique, CliqueCover, UpperCertificate
from natrob_empirical.ceiling.clique_programme import DENOMINATOR, CoverSolution, best_clique_cover
from natrob_empirical.ceiling.conflict_graph import Adjacency

NOTHING: Final = CliqueCover(cliques=(), numerators=(), denominator=DENOMINATOR)
"""Covers no vertex."""
_ROUNDS: Final = 8
"""Linear programmes of one case at most."""


def branched(
    vertices: Sequence[int], adjacency: Adjacency, root: CoverSolution, *, wanted: int, cases: int,
    never: Collection[int],
) -> UpperCertificate | None:  # fmt: skip
    """A certificate that no independent set is larger than wanted, or None where so many cases do not give one.

    Args:
        vertices: of the graph.
        adjacency: of the graph.
        root: the best cover of the whole.
        wanted: the bound asked for.
        cases: how many covers there may be.
        never: vertices that no case is about.
    """
    return _Cases(adjacency, cases, never).closed(vertices, root, wanted)


@final
class _Cases:
    """The search, and how many more cases it may open."""

    def __init__(self, adjacency: Adjacency, cases: int, never: Collection[int]) -> None:
        self.adjacency, self.never = adjacency, never
        self.left = cases - 1

    def closed(self, vertices: Sequence[int], found: CoverSolution, wanted: int) -> UpperCertificate | None:
        """Covers the vertices, by cases about the vertex that tells most where one cover does not reach the bound."""
        if found.cover.bound <= wanted:
            return found.cover
        vertex = self._telling(vertices, found)
        if vertex is None or self.left == 0:
            return None
        self.left -= 1
        near = self.adjacency[vertex]
        inside = self._case([v for v in vertices if v != vertex and v not in near], found.cliques, wanted - 1)
        outside = None if inside is None else self._case([v for v in vertices if v != vertex], found.cliques, wanted)
        if inside is None or outside is None:
            return None
        return Branching(vertex=vertex, inside=inside, outside=outside)

    def _case(self, vertices: Sequence[int], cliques: Sequence[Clique], wanted: int) -> UpperCertificate | None:
        """A case with the vertices that it leaves."""
        left = set(vertices)
        adjacency = [near & left if vertex in left else set() for vertex, near in enumerate(self.adjacency)]
        known = dict.fromkeys(tuple(vertex for vertex in clique if vertex in left) for clique in cliques)
        known.pop((), None)
        if not vertices:
            return NOTHING if wanted >= 0 else None
        found = best_clique_cover(vertices, adjacency, rounds=_ROUNDS, known=tuple(known), enough=wanted)
        return self.closed(vertices, found, wanted)

    def _telling(self, vertices: Sequence[int], found: CoverSolution) -> int | None:
        """The undecided vertex whose neighbours have the largest shares; None where none is undecided."""
        shares = found.shares
        weights = {
            vertex: min(share, 1 - share) * sum(shares.get(other, 0.0) for other in self.adjacency[vertex])
            for vertex in vertices
            if vertex not in self.never and 0.01 < (share := shares.get(vertex, 0.0)) < 0.99
        }
        return max(weights, key=weights.__getitem__, default=None)
