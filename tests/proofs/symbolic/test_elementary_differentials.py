"""The series machinery against the closed forms of the theory of rooted trees, which the proofs do not use."""

from collections import Counter
from fractions import Fraction
from math import factorial, prod

import pytest
import sympy

from natrob_theory.tableaus import DOPRI5, RK4, TABLEAUS, ButcherTableau
from natrob_theory.tableaus.rooted_trees import elementary_weight, tree_density
from proofs.symbolic.elementary_differentials import (
    VERTEX,
    Tree,
    combination,
    exact_flow,
    join,
    numerical_step,
    order,
    scaled_field,
    time_derivative,
)
from proofs.symbolic.exact_steps import rational


def symmetry(tree: Tree) -> int:
    """σ(t): the number of ways to map the tree to itself."""
    return prod(symmetry(child) ** times * factorial(times) for child, times in Counter(tree).items())


def value_for_square(tree: Tree, y: sympy.Symbol) -> sympy.Expr:
    """F(t) of the scalar f(y) = y²."""
    slope = sympy.diff(y**2, y, len(tree)) if tree else y**2
    return slope * sympy.prod([value_for_square(child, y) for child in tree])


def test_every_rooted_tree_occurs() -> None:
    assert Counter(map(order, exact_flow(7))) == {1: 1, 2: 1, 3: 2, 4: 4, 5: 9, 6: 20, 7: 48}


def test_exact_flow_is_one_over_density_and_symmetry() -> None:
    for tree, coefficient in exact_flow(7).items():
        assert coefficient == Fraction(1, tree_density(tree) * symmetry(tree))


@pytest.mark.parametrize("tableau", TABLEAUS, ids=lambda tableau: tableau.name)
def test_numerical_step_is_weight_over_symmetry(tableau: ButcherTableau) -> None:
    series = numerical_step(tableau.a, tableau.b, 6)
    for tree in exact_flow(6):
        assert series.get(tree, 0) == elementary_weight(tree, tableau.a, tableau.b) / symmetry(tree)


def test_third_derivative_by_hand() -> None:
    """y‴ = f″(f, f) + f′f′f."""
    chain, bush = join([join([VERTEX])]), join([VERTEX, VERTEX])
    assert time_derivative(join([VERTEX])) == {chain: 1, bush: 1}


def test_scaled_field_is_taylor_of_the_field() -> None:
    """h f(y + δ) with δ = 2h f: 1/2! f″(δ, δ) = 2h² f″(f, f)."""
    series = scaled_field({VERTEX: Fraction(2)}, 3)
    assert series == {VERTEX: 1, join([VERTEX]): 2, join([VERTEX, VERTEX]): 2}


def test_combination_leaves_out_weight_zero() -> None:
    assert combination([Fraction(0), Fraction(3)], [{VERTEX: Fraction(1)}, {join([VERTEX]): Fraction(2)}]) == {
        join([VERTEX]): 6
    }


@pytest.mark.parametrize("tableau", [RK4, DOPRI5], ids=lambda tableau: tableau.name)
def test_both_series_on_the_square(tableau: ButcherTableau) -> None:
    """y′ = y² from y: the exact solution is y/(1 − hy), and the method's stages can be multiplied out."""
    h, y = sympy.symbols("h y")
    slopes: list[sympy.Expr] = []
    for row in tableau.a:
        point = y + h * sum((rational(a) * k for a, k in zip(row, slopes, strict=False)), sympy.Integer(0))
        slopes.append(point**2)
    step = sympy.expand(y + h * sum(rational(b) * k for b, k in zip(tableau.b, slopes, strict=True)))
    for series, solution in (
        (exact_flow(6), y + sum(h**power * y ** (power + 1) for power in range(1, 7))),
        (numerical_step(tableau.a, tableau.b, 6), step),
    ):
        expansion = y + sum(rational(c) * h ** order(tree) * value_for_square(tree, y) for tree, c in series.items())
        for power in range(7):
            assert sympy.expand(expansion).coeff(h, power) == sympy.expand(solution).coeff(h, power)
