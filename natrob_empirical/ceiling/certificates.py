"""Certificates of both sides: fractional clique covers bound α from above, an independent set from below."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import TypeAlias, final

import numpy as np
import numpy.typing as npt

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


@final
@dataclass(frozen=True, kw_only=True)
class Branching:
    """Two cases: a vertex is in an independent set, and its neighbours are not, or it is not.

    α(G) = max(1 + α(G − v − N(v)), α(G − v)).

    Attributes:
        vertex: v.
        inside: bounds α of the graph without the vertex and its neighbours.
        outside: bounds α of the graph without the vertex.
    """

    vertex: int
    inside: "UpperCertificate"
    outside: "UpperCertificate"

    @property
    def bound(self) -> int:
        """No independent set is larger."""
        return max(1 + self.inside.bound, self.outside.bound)


UpperCertificate: TypeAlias = CliqueCover | Branching


def covers_of(certificate: UpperCertificate) -> tuple[CliqueCover, ...]:
    """The covers of all cases; of a cover itself alone."""
    if isinstance(certificate, CliqueCover):
        return (certificate,)
    return (*covers_of(certificate.inside), *covers_of(certificate.outside))


def covers_changed(
    certificate: UpperCertificate, change: Callable[[CliqueCover], UpperCertificate]
) -> UpperCertificate:
    """The certificate with something else in the place of each cover."""
    if isinstance(certificate, CliqueCover):
        return change(certificate)
    inside, outside = covers_changed(certificate.inside, change), covers_changed(certificate.outside, change)
    return Branching(vertex=certificate.vertex, inside=inside, outside=outside)


def joined_certificates(first: UpperCertificate, second: UpperCertificate) -> UpperCertificate:
    """Bounds α of a graph by certificates of two parts of it, whose covers have one denominator."""
    if not isinstance(second, CliqueCover):
        return covers_changed(second, lambda cover: joined_certificates(first, cover))
    return covers_changed(
        first,
        lambda cover: CliqueCover(
            cliques=cover.cliques + second.cliques,
            numerators=cover.numerators + second.numerators,
            denominator=cover.denominator,
        ),
    )


def whole_cover(cliques: Iterable[Sequence[int]]) -> CliqueCover:
    """The cover that gives each of these cliques the weight 1."""
    sorted_cliques = tuple(tuple(sorted(clique)) for clique in cliques)
    return CliqueCover(cliques=sorted_cliques, numerators=(1,) * len(sorted_cliques), denominator=1)


def require_upper(graph: ConflictGraph, certificate: UpperCertificate) -> None:
    """Raises CeilingCertificateError unless it bounds α of the graph: every case is covered, in whole numbers."""
    _require_upper(graph, certificate, np.ones(graph.count, dtype=np.bool_))


def _require_upper(graph: ConflictGraph, certificate: UpperCertificate, left: npt.NDArray[np.bool_]) -> None:
    """Checks a certificate of the part of the graph that is left."""
    if isinstance(certificate, CliqueCover):
        require_cover(graph, certificate, left)
        return
    vertex = certificate.vertex
    if not (0 <= vertex < graph.count and left[vertex]):
        raise CeilingCertificateError(f"a case about image {vertex}, which is not there or decided already")
    outside, inside = left.copy(), left.copy()
    outside[vertex] = inside[vertex] = False
    inside[graph.second[graph.first == vertex]] = False
    inside[graph.first[graph.second == vertex]] = False
    _require_upper(graph, certificate.inside, inside)
    _require_upper(graph, certificate.outside, outside)


def require_cover(graph: ConflictGraph, cover: CliqueCover, left: npt.NDArray[np.bool_] | None = None) -> None:
    """Raises CeilingCertificateError unless these are cliques that cover every vertex, in whole numbers.

    Args:
        graph: whose edges join the vertices of cliques.
        cover: of its vertices.
        left: which vertices need to be covered; None says all.
    """
    weights = [0] * graph.count
    for clique, numerator in zip(cover.cliques, cover.numerators, strict=True):
        if numerator < 0 or not clique:
            raise CeilingCertificateError(f"a clique cover needs cliques with weights of at least 0, got {clique}")
        for vertex in clique:
            weights[vertex] += numerator
    bare = [v for v, weight in enumerate(weights) if weight < cover.denominator and (left is None or left[v])]
    if bare:
        raise CeilingCertificateError(f"the clique cover leaves out image {bare[0]}")
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
