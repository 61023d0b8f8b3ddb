"""The best fractional clique cover, by a linear programme that takes in cliques as they are violated."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog
from scipy.sparse import csr_array

from natrob_empirical.ceiling.certificates import Clique, CliqueCover
from natrob_empirical.ceiling.cliques import covering_cliques, heavy_cliques
from natrob_empirical.ceiling.conflict_graph import Adjacency

DENOMINATOR: Final = 1 << 40
"""Weights are rounded up to multiples of 2⁻⁴⁰."""
_VIOLATED: Final = 1e-6
_SLACK: Final = 0.05
"""Cliques with more room than this in a solution leave the programme; they come back once they are violated."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class CoverSolution:
    """A cover with the solution that it is the dual of.

    Attributes:
        cover: checked by nobody yet; every vertex has at least the weight 1.
        shares: vertex → x_v of the relaxed independent set, to guide searches.
        cliques: those of the last programme.
        closed: whether no clique was violated any more.
    """

    cover: CliqueCover
    shares: dict[int, float]
    cliques: tuple[Clique, ...]
    closed: bool


def best_clique_cover(
    vertices: Sequence[int], adjacency: Adjacency, *, rounds: int, apiece: int = 3, known: Sequence[Clique] = (),
    enough: int = 0,
) -> CoverSolution:  # fmt: skip
    """Solves max Σ x_v with Σ_{v∈Q} x_v ≤ 1 for more and more cliques Q, and covers the vertices by its dual.

    Every dual solution is a cover, whatever round it is from: a limit on the rounds loosens the bound and breaks
    nothing.

    Args:
        vertices: of the graph; they need not be all that the adjacency has.
        adjacency: of the graph.
        rounds: linear programmes at most, at least 1.
        apiece: cliques that a round takes in for one vertex at most.
        known: cliques of these vertices to begin with; without any some that cover them are made.
        enough: a bound with which the search ends.
    """
    place = {vertex: position for position, vertex in enumerate(vertices)}
    cliques = list(known) or covering_cliques(vertices, adjacency)
    least = math.inf
    for attempt in range(1, rounds + 1):
        values, duals, room = _solved(cliques, place)
        better, least = float(values.sum()) < least - _VIOLATED, min(least, float(values.sum()))
        shares = {vertex: value for vertex, value in zip(vertices, values.tolist(), strict=True) if value > 1e-9}
        held = set(cliques)
        violated = dict.fromkeys(heavy_cliques(shares, adjacency, 1.0 + _VIOLATED, apiece=apiece))
        fresh = [clique for clique in violated if clique not in held]
        if not fresh or attempt == rounds or least < enough + 1 - _VIOLATED:
            cover = _rounded_up(cliques, duals, vertices)
            return CoverSolution(cover=cover, shares=shares, cliques=tuple(cliques), closed=not fresh)
        # Only after progress, so that no clique leaves and comes back for ever.
        kept = [clique for clique, left in zip(cliques, room.tolist(), strict=True) if left <= _SLACK or not better]
        cliques = [*kept, *fresh]
    raise ValueError(f"`rounds` must be at least 1, got {rounds}")


def _solved(
    cliques: Sequence[Clique], place: dict[int, int]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """x_v, y_Q and the room that each clique leaves. A vertex in no clique has the limit 1 of its own."""
    ends = np.cumsum([0, *map(len, cliques)])
    columns = np.fromiter((place[vertex] for clique in cliques for vertex in clique), dtype=np.int64)
    matrix = csr_array((np.ones(len(columns)), columns, ends), shape=(len(cliques), len(place)))
    found = linprog(-np.ones(len(place)), A_ub=matrix, b_ub=np.ones(len(cliques)), bounds=(0, 1), method="highs")
    if found.x is None:
        raise RuntimeError(f"the linear programme of a clique cover was not solved: {found.message}")
    return np.asarray(found.x), -np.asarray(found.ineqlin.marginals), np.asarray(found.ineqlin.residual)


def _rounded_up(cliques: Sequence[Clique], duals: npt.NDArray[np.float64], vertices: Sequence[int]) -> CliqueCover:
    """The duals as whole numbers over the denominator; single vertices make up for what is missing."""
    kept: dict[Clique, int] = {}
    weights = dict.fromkeys(vertices, 0)
    for clique, dual in zip(cliques, duals.tolist(), strict=True):
        numerator = math.ceil(dual * DENOMINATOR) if dual > 1e-9 else 0
        if numerator:
            kept[clique] = kept.get(clique, 0) + numerator
            for vertex in clique:
                weights[vertex] += numerator
    for vertex, weight in weights.items():
        if weight < DENOMINATOR:
            kept[(vertex,)] = kept.get((vertex,), 0) + DENOMINATOR - weight
    return CliqueCover(cliques=tuple(kept), numerators=tuple(kept.values()), denominator=DENOMINATOR)
