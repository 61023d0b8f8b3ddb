"""Order conditions of Runge–Kutta methods from rooted trees, in exact arithmetic.

A method has order p iff Φ(τ) = 1/γ(τ) for every rooted tree τ with at most p vertices (Hairer, Nørsett, Wanner,
*Solving ODEs I*, Theorem II.2.13). A tree is written as the tuple of its root's subtrees: () is the single vertex.
"""

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement
from math import prod
from typing import Any, TypeAlias

Tree: TypeAlias = tuple[Any, ...]  # of trees; a recursive alias cannot be checked at run time
Matrix = Sequence[Sequence[Fraction]]


@cache
def rooted_trees(order: int) -> tuple[Tree, ...]:
    """All rooted trees with `order` vertices: 1, 1, 2, 4, 9, … of them for order 1, 2, 3, 4, 5, …"""
    if order == 1:
        return ((),)
    return tuple(tuple(children) for parts in _partitions(order - 1, order - 1) for children in _forests(parts))


def _partitions(total: int, largest: int) -> list[tuple[int, ...]]:
    """The ways to write `total` as a non-increasing sum of positive integers of at most `largest`."""
    if total == 0:
        return [()]
    return [(first, *rest) for first in range(min(total, largest), 0, -1) for rest in _partitions(total - first, first)]


def _forests(parts: tuple[int, ...]) -> list[tuple[Tree, ...]]:
    """The multisets of trees whose sizes are `parts` (non-increasing)."""
    if not parts:
        return [()]
    size = parts[0]
    repeats = parts.count(size)
    return [
        (*chosen, *rest)
        for chosen in combinations_with_replacement(rooted_trees(size), repeats)
        for rest in _forests(parts[repeats:])
    ]


def tree_order(tree: Tree) -> int:
    """The number of vertices."""
    return 1 + sum(tree_order(child) for child in tree)


def tree_density(tree: Tree) -> int:
    """γ(τ): the product, over all vertices, of the size of the subtree that hangs there."""
    return tree_order(tree) * prod(tree_density(child) for child in tree)


def elementary_weight(tree: Tree, a: Matrix, b: Sequence[Fraction]) -> Fraction:
    """Φ(τ) = Σᵢ bᵢ Π_children (A · stage weights of the child)ᵢ."""
    return sum((weight * stage for weight, stage in zip(b, _stage_weights(tree, a), strict=True)), Fraction(0))


def _stage_weights(tree: Tree, a: Matrix) -> list[Fraction]:
    """The product over the root's children of A times the child's own stage weights, one entry per stage."""
    weights = [Fraction(1)] * len(a)
    for child in tree:
        inner = _stage_weights(child, a)
        weights = [
            weight * sum((entry * value for entry, value in zip(row, inner, strict=True)), Fraction(0))
            for weight, row in zip(weights, a, strict=True)
        ]
    return weights


def order_of(a: Matrix, b: Sequence[Fraction], *, up_to: int = 5) -> int:
    """The largest p ≤ `up_to` such that (A, b) meets all order conditions of orders 1 to p; 0 if Σb ≠ 1."""
    for order in range(1, up_to + 1):
        if any(elementary_weight(tree, a, b) * tree_density(tree) != 1 for tree in rooted_trees(order)):
            return order - 1
    return up_to
