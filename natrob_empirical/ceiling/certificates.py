"""Certificates of both sides: a fractional clique cover bounds α from above, an independent set from below."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import TypeAlias, final

import numpy as np

from natrob_empirical.ceiling.conflict_graph import ConflictGraph

Clique: TypeAlias = tuple[int, ...]


class CeilingCertificateError(RuntimeError):
    """A cover or an independent set that is none: a fault of the search, so that no bound follows from it."""


@final
@dataclass(frozen=True, kw_only=True)
class CliqueCover:
    """Cliques Q with weights y_Q ≥ 0 that sum to at least 1 over the cliques of every vertex.

    An independent set I has at most one vertex in a clique: |I| ≤ Σ_{v∈I} Σ_{Q∋v} y_Q ≤ Σ y_Q. The same holds on any
    part of the vertices, so that the sum may be rounded down on each part that shares no clique with the rest.

    Attributes:
        cliques: vertices, each clique sorted; single vertices are cliques.
        numerators: y_Q times the denominator.
        denominator: of all weights.
    """

    cliques: tuple[Clique, ...]
    numerators: tuple[int, ...]
    denominator: int

    @property
    def weights(self) -> tuple[Fraction, ...]:
        """The y_Q."""
        return tuple(Fraction(numerator, self.denominator) for numerator in self.numerators)

    @property
    def bound(self) -> int:
        """Σ ⌊Σ y_Q⌋ over the parts: no independent set is larger."""
        parent: dict[int, int] = {}
        for clique in self.cliques:
            for vertex in clique:
                parent.setdefault(vertex, vertex)
            roots = {_root(parent, vertex) for vertex in clique}
            least = min(roots)
            parent.update(dict.fromkeys(roots, least))
        sums: dict[int, int] = {}
        for clique, numerator in zip(self.cliques, self.numerators, strict=True):
            part = _root(parent, clique[0])
            sums[part] = sums.get(part, 0) + numerator
        return sum(total // self.denominator for total in sums.values())


def whole_cover(cliques: Iterable[Sequence[int]]) -> CliqueCover:
    """The cover that gives each of these cliques the weight 1."""
    sorted_cliques = tuple(tuple(sorted(clique)) for clique in cliques)
    return CliqueCover(cliques=sorted_cliques, numerators=(1,) * len(sorted_cliques), denominator=1)


def require_cover(graph: ConflictGraph, cover: CliqueCover) -> None:
    """Raises CeilingCertificateError unless these are cliques that cover every vertex, in whole numbers."""
    weights = [0] * graph.count
    for clique, numerator in zip(cover.cliques, cover.numerators, strict=True):
        if numerator < 0 or not clique:
            raise CeilingCertificateError(f"a clique cover needs cliques with weights of at least 0, got {clique}")
        for vertex in clique:
            weights[vertex] += numerator
    if weights and min(weights) < cover.denominator:
        raise CeilingCertificateError(f"the clique cover leaves out image {int(np.argmin(weights))}")
    pairs = [pair for clique in cover.cliques for pair in combinations(clique, 2)]
    ends = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    joined = graph.joined(ends[:, 0], ends[:, 1])
    if not joined.all():
        raise CeilingCertificateError(f"the images {pairs[int(np.argmin(joined))]} of a clique do not conflict")


def require_independent(graph: ConflictGraph, chosen: Sequence[int]) -> None:
    """Raises CeilingCertificateError unless no edge joins two of the vertices, each named once."""
    if len(set(chosen)) < len(chosen) or not all(0 <= vertex < graph.count for vertex in chosen):
        raise CeilingCertificateError("an independent set names an image twice, or one that is not there")
    inside = np.zeros(graph.count, dtype=np.bool_)
    inside[list(chosen)] = True
    broken = np.flatnonzero(inside[graph.first] & inside[graph.second])
    if len(broken):
        pair = int(graph.first[broken[0]]), int(graph.second[broken[0]])
        raise CeilingCertificateError(f"the images {pair} of an independent set conflict")


def _root(parent: dict[int, int], vertex: int) -> int:
    """The representative of the vertex's part; paths are halved on the way."""
    while parent[vertex] != vertex:
        parent[vertex] = parent[parent[vertex]]
        vertex = parent[vertex]
    return vertex
