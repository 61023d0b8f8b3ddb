"""The largest independent set of a conflict graph between two certificates, both checked edge by edge."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, final

from natrob_empirical.ceiling.branching import NOTHING, branched
from natrob_empirical.ceiling.certificates import (
    UpperCertificate,
    covers_of,
    joined_certificates,
    require_independent,
    require_upper,
)
from natrob_empirical.ceiling.clique_programme import best_clique_cover
from natrob_empirical.ceiling.conflict_graph import Adjacency, ConflictGraph, components_of
from natrob_empirical.ceiling.independent_set import independent_set
from natrob_empirical.ceiling.matching import matching_cover
from natrob_empirical.ceiling.reductions import kernel_of

_ROUNDS: Final = 60
_EXCHANGES: Final = 50_000
_CASES: Final = 8
"""Covers that a certificate may consist of."""
_GAP: Final = 8
"""A wider gap between both sides is not narrowed by cases, each of which costs as much as a few rounds."""
_EDGES_LOOKED_AT: Final = 16_000_000
"""Components with many edges get fewer rounds and exchanges, so that a bound comes within a minute or two."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Solution:
    """Both certificates of a graph.

    Attributes:
        cover: from above, in cases where one cover does not reach the other side.
        chosen: an independent set, from below.
        method: what they were found by.
    """

    cover: UpperCertificate
    chosen: tuple[int, ...]
    method: str


def solve(graph: ConflictGraph) -> Solution:
    """Takes out the vertices that decide themselves, covers each component of the rest by cliques, and checks both.

    Raises:
        CeilingCertificateError: a certificate that does not hold, a fault of the search.
    """
    kernel, cover, parts, cases = kernel_of(graph.neighbours()), NOTHING, [], _CASES
    for component in components_of(kernel.adjacency, kernel.vertices):
        parts.append(_solved(component, kernel.adjacency, cases=cases, never=kernel.dominating))
        cover = joined_certificates(cover, parts[-1].cover)
        cases = _CASES // len(covers_of(cover))
    chosen = kernel.independent(vertex for part in parts for vertex in part.chosen)
    method = " and ".join(dict.fromkeys(part.method for part in parts)) or "reductions"
    return checked(graph, Solution(cover=kernel.upper(cover), chosen=tuple(chosen), method=method))


def matched(graph: ConflictGraph) -> Solution:
    """Covers a graph that is too large for cliques by half a matching; the empty set is below.

    Raises:
        CeilingCertificateError: as `solve`.
    """
    cover = matching_cover(graph.count, graph.first, graph.second)
    return checked(graph, Solution(cover=cover, chosen=(), method="matching"))


def checked(graph: ConflictGraph, solution: Solution) -> Solution:
    """Checks both certificates on the graph, and hands the solution back."""
    require_upper(graph, solution.cover)
    require_independent(graph, solution.chosen)
    return solution


def _solved(vertices: Sequence[int], adjacency: Adjacency, *, cases: int, never: Collection[int]) -> Solution:
    """One component of the kernel, in at most so many cases."""
    ends = sum(len(adjacency[vertex]) for vertex in vertices)
    rounds = max(1, min(_ROUNDS, 2 * _EDGES_LOOKED_AT // ends))
    exchanges = min(_EXCHANGES, _EDGES_LOOKED_AT // 5 * len(vertices) // ends)
    best = best_clique_cover(vertices, adjacency, rounds=rounds, apiece=3 if rounds == _ROUNDS else 1)
    chosen = independent_set(vertices, adjacency, exchanges=exchanges, shares=best.shares, enough=best.cover.bound)
    cover: UpperCertificate = best.cover
    if 0 < cover.bound - len(chosen) <= _GAP and rounds == _ROUNDS:
        cases_of_it = branched(vertices, adjacency, best, wanted=len(chosen), cases=cases, never=never)
        cover = min(cover, cases_of_it, key=lambda each: each.bound)
    method = "clique cover" if cover is best.cover else "clique covers of cases"
    return Solution(cover=cover, chosen=tuple(chosen), method=method)
