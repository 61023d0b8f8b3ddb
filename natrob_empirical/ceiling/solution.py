"""The largest independent set of a conflict graph between two certificates, both checked edge by edge."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

from natrob_empirical.ceiling.certificates import CliqueCover, require_cover, require_independent
from natrob_empirical.ceiling.clique_programme import DENOMINATOR, best_clique_cover
from natrob_empirical.ceiling.conflict_graph import Adjacency, ConflictGraph, components_of
from natrob_empirical.ceiling.independent_set import independent_set
from natrob_empirical.ceiling.matching import matching_cover
from natrob_empirical.ceiling.reductions import kernel_of

_ROUNDS: Final = 60
_EXCHANGES: Final = 50_000
_EDGES_LOOKED_AT: Final = 16_000_000
"""Components with many edges get fewer rounds and exchanges, so that a bound comes within a minute or two."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Solution:
    """Both certificates of a graph.

    Attributes:
        cover: from above.
        chosen: an independent set, from below.
        method: what they were found by.
    """

    cover: CliqueCover
    chosen: tuple[int, ...]
    method: str


def solve(graph: ConflictGraph) -> Solution:
    """Takes out the vertices that decide themselves, covers each component of the rest by cliques, and checks both.

    Raises:
        CeilingCertificateError: a certificate that does not hold, a fault of the search.
    """
    kernel = kernel_of(graph.neighbours())
    parts = [_solved(part, kernel.adjacency) for part in components_of(kernel.adjacency, kernel.vertices)]
    cover = CliqueCover(
        cliques=tuple(clique for part in parts for clique in part.cover.cliques),
        numerators=tuple(numerator for part in parts for numerator in part.cover.numerators),
        denominator=DENOMINATOR,
    )
    chosen = kernel.independent(vertex for part in parts for vertex in part.chosen)
    method = " and ".join(dict.fromkeys(part.method for part in parts)) or "reductions"
    return checked(graph, Solution(cover=kernel.cover(cover), chosen=tuple(chosen), method=method))


def matched(graph: ConflictGraph) -> Solution:
    """Covers a graph that is too large for cliques by half a matching; the empty set is below.

    Raises:
        CeilingCertificateError: as `solve`.
    """
    cover = matching_cover(graph.count, graph.first, graph.second)
    return checked(graph, Solution(cover=cover, chosen=(), method="matching"))


def checked(graph: ConflictGraph, solution: Solution) -> Solution:
    """Checks both certificates on the graph, and hands the solution back."""
    require_cover(graph, solution.cover)
    require_independent(graph, solution.chosen)
    return solution


def _solved(vertices: Sequence[int], adjacency: Adjacency) -> Solution:
    """One component of the kernel."""
    ends = sum(len(adjacency[vertex]) for vertex in vertices)
    rounds = max(1, min(_ROUNDS, 2 * _EDGES_LOOKED_AT // ends))
    exchanges = min(_EXCHANGES, _EDGES_LOOKED_AT // 5 * len(vertices) // ends)
    best = best_clique_cover(vertices, adjacency, rounds=rounds, apiece=3 if rounds == _ROUNDS else 1)
    chosen = independent_set(vertices, adjacency, exchanges=exchanges, shares=best.shares, enough=best.cover.bound)
    return Solution(cover=best.cover, chosen=tuple(chosen), method="clique cover")
