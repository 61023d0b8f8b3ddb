"""Cases about vertices bound α where one clique cover cannot, and a case left out or loosened is refused."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from natrob_empirical.ceiling import Branching, CeilingCertificateError, CliqueCover, ConflictGraph, require_upper
from natrob_empirical.ceiling.branching import branched
from natrob_empirical.ceiling.certificates import UpperCertificate, covers_of, joined_certificates
from natrob_empirical.ceiling.clique_programme import best_clique_cover
from natrob_empirical.ceiling.solution import solve


def graph_of(count: int, edges: set[tuple[int, int]]) -> ConflictGraph:
    ends = np.array(sorted(edges), dtype=np.int64).reshape(-1, 2)
    return ConflictGraph(count=count, first=ends[:, 0], second=ends[:, 1])


def odd_cycles(*lengths: int) -> ConflictGraph:
    """Cycles beside each other: α is ⌊m/2⌋ of each, and the best clique cover of one is m/2."""
    edges, start = set[tuple[int, int]](), 0
    for length in lengths:
        edges |= {(start + k, start + k + 1) for k in range(length - 1)} | {(start, start + length - 1)}
        start += length
    return graph_of(start, edges)


def circulant(count: int, *steps: int) -> ConflictGraph:
    """Vertices on a circle, joined over these distances."""
    ends = [(v, (v + step) % count) for v in range(count) for step in steps]
    return graph_of(count, {(min(pair), max(pair)) for pair in ends})


def largest_independent(graph: ConflictGraph) -> int:
    edges = set(zip(graph.first.tolist(), graph.second.tolist(), strict=True))
    best = 0
    for subset in range(1 << graph.count):
        chosen = [v for v in range(graph.count) if subset >> v & 1]
        if len(chosen) > best and not any(pair in edges for pair in combinations(chosen, 2)):
            best = len(chosen)
    return best


def cases_of(graph: ConflictGraph, *, wanted: int, cases: int) -> UpperCertificate:
    vertices, adjacency = list(range(graph.count)), graph.neighbours()
    root = best_clique_cover(vertices, adjacency, rounds=20)
    return branched(vertices, adjacency, root, wanted=wanted, cases=cases, never=())


@pytest.mark.parametrize(
    ("graph", "alpha"), [(circulant(8, 1, 4), 3), (circulant(10, 2, 3), 4), (circulant(10, 2, 5), 4)]
)
def test_cases_close_what_one_cover_leaves_open(graph: ConflictGraph, alpha: int) -> None:
    assert largest_independent(graph) == alpha
    adjacency = graph.neighbours()
    one = best_clique_cover(list(range(graph.count)), adjacency, rounds=20).cover
    found = cases_of(graph, wanted=alpha, cases=16)
    require_upper(graph, found)
    assert found.bound == alpha < one.bound
    whole = solve(graph)
    assert (whole.cover.bound, len(whole.chosen)) == (alpha, alpha)
    assert isinstance(found, Branching)
    assert whole.method == "clique covers of cases"


@given(st.sets(st.tuples(st.integers(0, 8), st.integers(0, 8)).filter(lambda pair: pair[0] < pair[1])))
def test_the_bound_is_never_below_alpha_and_cases_reach_it(edges: set[tuple[int, int]]) -> None:
    graph = graph_of(9, edges)
    alpha = largest_independent(graph)
    for cases in (1, 2, 64):
        found = cases_of(graph, wanted=alpha, cases=cases)
        require_upper(graph, found)
        assert found.bound >= alpha
        assert len(covers_of(found)) <= cases
    assert solve(graph).cover.bound >= alpha >= len(solve(graph).chosen)


def path() -> tuple[ConflictGraph, Branching]:
    """A path of three, in the two cases of its middle: α = 2."""
    single = CliqueCover(cliques=((0,), (2,)), numerators=(1, 1), denominator=1)
    nothing = CliqueCover(cliques=(), numerators=(), denominator=1)
    return graph_of(3, {(0, 1), (1, 2)}), Branching(vertex=1, inside=nothing, outside=single)


def test_what_a_case_rests_on_is_checked() -> None:
    graph, branching = path()
    require_upper(graph, branching)
    assert branching.bound == 2
    half = CliqueCover(cliques=((0,),), numerators=(1,), denominator=1)
    for wrong, message in (
        (replace(branching, outside=half), "leaves out image 2"),
        (replace(branching, vertex=0), "leaves out image 2"),
        (replace(branching, vertex=3), "about image 3, which is not there"),
        (replace(branching, outside=branching), "about image 1, which is not there or decided already"),
    ):
        with pytest.raises(CeilingCertificateError, match=message):
            require_upper(graph, wrong)


def test_certificates_of_two_parts_join_to_one_of_the_whole() -> None:
    graph = odd_cycles(5, 3)
    inside = CliqueCover(cliques=((1, 2),), numerators=(1,), denominator=1)
    outside = CliqueCover(cliques=((0, 1), (2, 3)), numerators=(1, 1), denominator=1)
    triangle = CliqueCover(cliques=((5, 6, 7),), numerators=(1,), denominator=1)
    pentagon = Branching(vertex=4, inside=inside, outside=outside)
    for whole in (joined_certificates(pentagon, triangle), joined_certificates(triangle, pentagon)):
        require_upper(graph, whole)
        assert whole.bound == 3
