import re
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given

from natrob_theory import HEUN, ButcherTableau
from natrob_theory.strategies import tableaus
from natrob_theory.tableaus.butcher_tableau import fractions
from natrob_theory.tableaus.rooted_trees import order_of


def tableau(**changes: Any) -> ButcherTableau:
    """Heun's method with an embedded Euler, with some of its parts changed."""
    parts: dict[str, Any] = {
        "name": "changed",
        "a": HEUN.a,
        "b": HEUN.b,
        "c": HEUN.c,
        "order": 2,
        "b_embedded": fractions(1, 0),
        "order_embedded": 1,
        "source": "a test",
    }
    return ButcherTableau(**{**parts, **changes})


def test_the_unchanged_one_is_accepted() -> None:
    assert tableau().stages == 2
    assert tableau(b_embedded=None, order_embedded=None).b_embedded is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"c": fractions(0, "1/2")}, "row 1 of A must sum to c = 1/2, got 1"),
        ({"a": (fractions(0, 0), fractions("1/2", 0))}, "row 1 of A must sum to c = 1, got 1/2"),
        ({"b": fractions("1/2", "1/3")}, "the weights b must sum to 1, got 5/6"),
        ({"order": 3}, "b is declared of order 3, but has order 2"),
        ({"order": 1}, "b is declared of order 1, but has order 2"),
        ({"b": fractions("1/4", "3/4")}, "b is declared of order 2, but has order 1"),
        ({"a": (fractions(0, 0), fractions(0, 1))}, "A must be strictly lower triangular, row 1 is not"),
        ({"a": (fractions(0, 1), fractions(1, 0)), "c": fractions(1, 1)}, "strictly lower triangular, row 0 is not"),
        ({"b_embedded": fractions(1, "1/2")}, "the weights b_embedded must sum to 1, got 3/2"),
        ({"order_embedded": 2}, "b_embedded is declared of order 2, but has order 1"),
        ({"b_embedded": HEUN.b}, "b_embedded is declared of order 1, but has order 2"),
        ({"order_embedded": None}, "`b_embedded` and `order_embedded` must come together"),
        ({"b_embedded": None}, "`b_embedded` and `order_embedded` must come together"),
        ({"b_embedded": fractions(1)}, "A, b and c must have the same number of stages"),
        ({"b": fractions(1)}, "A, b and c must have the same number of stages"),
        ({"c": fractions(0, 1, 1)}, "A, b and c must have the same number of stages"),
        ({"a": (fractions(0), fractions(1, 0))}, "A, b and c must have the same number of stages"),
        ({"a": (), "b": (), "c": (), "b_embedded": None}, "A, b and c must have the same number of stages"),
    ],
)
def test_each_broken_condition_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        tableau(**changes)


def test_coefficients_that_are_not_exact_are_refused(unchecked: None) -> None:
    for wrong in ({"b": (0.5, 0.5)}, {"c": (0, 1)}, {"a": ((0, 0), (1, 0))}, {"b_embedded": (1.0, 0.0)}):
        with pytest.raises(TypeError, match=r"every coefficient must be a fractions\.Fraction"):
            tableau(**wrong)


def polynomial_by_matrix_powers(a: Any, b: Any) -> list[Fraction]:
    """1 + Σ_k bᵀA^{k−1}𝟙 x^k, written out with explicit matrix powers."""
    stages = range(len(b))
    power = [[Fraction(int(i == j)) for j in stages] for i in stages]
    coefficients = [Fraction(1)]
    for _ in stages:
        coefficients.append(sum((b[i] * power[i][j] for i in stages for j in stages), Fraction(0)))
        power = [[sum((power[i][k] * a[k][j] for k in stages), Fraction(0)) for j in stages] for i in stages]
    while len(coefficients) > 1 and coefficients[-1] == 0:
        coefficients.pop()
    return coefficients


@given(tableaus())
def test_polynomials_against_explicit_matrix_powers(drawn: ButcherTableau) -> None:
    assert list(drawn.stability_polynomial()) == polynomial_by_matrix_powers(drawn.a, drawn.b)
    sizes = [[abs(entry) for entry in row] for row in drawn.a], [abs(entry) for entry in drawn.b]
    assert list(drawn.growth_polynomial()) == polynomial_by_matrix_powers(*sizes)


@given(tableaus())
def test_growth_dominates_stability_coefficient_by_coefficient(drawn: ButcherTableau) -> None:
    growth, stability = drawn.growth_polynomial(), drawn.stability_polynomial()
    assert len(stability) <= len(growth)
    for size, coefficient in zip(growth, stability, strict=False):
        assert abs(coefficient) <= size


@given(tableaus())
def test_the_stability_polynomial_agrees_with_the_exponential_through_the_order(drawn: ButcherTableau) -> None:
    order = order_of(drawn.a, drawn.b)
    coefficients = [*drawn.stability_polynomial(), *[Fraction(0)] * 6]
    factorial = 1
    for k in range(order + 1):
        factorial *= max(k, 1)
        assert coefficients[k] == Fraction(1, factorial)
