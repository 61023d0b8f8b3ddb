from fractions import Fraction

import pytest

from natrob_theory.tableaus.rooted_trees import (
    Tree,
    elementary_weight,
    order_of,
    rooted_trees,
    tree_density,
    tree_order,
)

LEAF: Tree = ()


def tall(vertices: int) -> Tree:
    """The tree without branches."""
    tree = LEAF
    for _ in range(vertices - 1):
        tree = (tree,)
    return tree


def canonical(tree: Tree) -> Tree:
    return tuple(sorted(canonical(child) for child in tree))


@pytest.mark.parametrize(("order", "count"), [(1, 1), (2, 1), (3, 2), (4, 4), (5, 9), (6, 20), (7, 48)])
def test_there_are_as_many_trees_as_the_literature_says(order: int, count: int) -> None:
    """Sequence A000081; Hairer, Nørsett, Wanner, Table II.2.1."""
    trees = rooted_trees(order)
    assert len(trees) == count
    assert len({canonical(tree) for tree in trees}) == count
    assert {tree_order(tree) for tree in trees} == {order}


def test_densities_are_those_of_the_literature() -> None:
    """Hairer, Nørsett, Wanner, Table II.2.1: γ of the trees of orders 1 to 5."""
    printed = {1: [1], 2: [2], 3: [3, 6], 4: [4, 8, 12, 24], 5: [5, 10, 15, 20, 20, 30, 40, 60, 120]}
    for order, densities in printed.items():
        assert sorted(tree_density(tree) for tree in rooted_trees(order)) == densities


@pytest.mark.parametrize("vertices", range(1, 7))
def test_the_tall_tree_and_the_bushy_tree(vertices: int) -> None:
    factorial = 1
    for k in range(1, vertices + 1):
        factorial *= k
    assert tree_density(tall(vertices)) == factorial
    assert tree_density((LEAF,) * (vertices - 1)) == vertices


def test_elementary_weights_of_two_stages_by_hand() -> None:
    alpha, b = Fraction(2, 3), (Fraction(1, 4), Fraction(3, 4))
    a = ((Fraction(0), Fraction(0)), (alpha, Fraction(0)))
    assert elementary_weight(LEAF, a, b) == 1
    assert elementary_weight((LEAF,), a, b) == Fraction(3, 4) * alpha  # Σ b c
    assert elementary_weight((LEAF, LEAF), a, b) == Fraction(3, 4) * alpha**2  # Σ b c²
    assert elementary_weight(((LEAF,),), a, b) == 0  # Σ b A c


def test_order_is_zero_without_consistency_and_stops_at_the_limit() -> None:
    a = ((Fraction(0),),)
    assert order_of(a, (Fraction(1, 2),)) == 0
    assert order_of(a, (Fraction(1),)) == 1
    midpoint = ((Fraction(0), Fraction(0)), (Fraction(1, 2), Fraction(0)))
    assert order_of(midpoint, (Fraction(0), Fraction(1))) == 2
    assert order_of(midpoint, (Fraction(0), Fraction(1)), up_to=1) == 1
