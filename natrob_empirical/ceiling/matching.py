"""The cover by half edges that a maximum matching gives: α ≤ n − ν_f."""

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from natrob_empirical.ceiling.certificates import CliqueCover


def matching_cover(count: int, first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]) -> CliqueCover:
    """Covers a graph by edges and single vertices whose weights sum to n − ν_f, the least possible.

    The doubled graph has two copies v⁺ and v⁻ of every vertex, and both directions of every edge; ν_f is half of its
    maximum matching. A matched pair u⁺v⁻ gives the edge uv the weight ½, a copy that is left gives its vertex ½. For
    two classes the sum is α itself (König).

    Args:
        count: of the vertices.
        first, second: the ends of the edges.
    """
    rows, columns = np.concatenate([first, second]), np.concatenate([second, first])
    ones = np.ones(len(rows), dtype=np.bool_)
    doubled = csr_array((ones, (rows, columns)), shape=(count, count))
    partner = maximum_bipartite_matching(doubled, perm_type="column")
    weights: dict[tuple[int, ...], int] = {}
    for vertex, other in enumerate(partner.tolist()):
        clique = (vertex,) if other < 0 else (min(vertex, other), max(vertex, other))
        weights[clique] = weights.get(clique, 0) + 1
    missing = np.ones(count, dtype=np.bool_)
    missing[partner[partner >= 0]] = False
    for vertex in np.flatnonzero(missing).tolist():
        weights[(vertex,)] = weights.get((vertex,), 0) + 1
    return CliqueCover(cliques=tuple(weights), numerators=tuple(weights.values()), denominator=2)
