"""Kernel constants: κ at power 0, brute force, at or above the exact value, and 1/(m + 2)! where a rule has ended."""

from fractions import Fraction
from math import factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from natrob_theory import DOPRI5, EULER, FEHLBERG45, HEUN, RK4, TABLEAUS, ButcherTableau
from natrob_theory.tableaus.kernel_constants import kernel_constant, kernel_constants

named = pytest.mark.parametrize("tableau", TABLEAUS, ids=lambda tableau: tableau.name)


@named
def test_the_power_0_is_the_constant_of_a_lipschitz_function(tableau: ButcherTableau) -> None:
    kernels, constants = kernel_constants(tableau.a, tableau.b, tableau.c), tableau.local_error_constants()
    first = [kernels.weights[0], *(row[0] for row in kernels.stages)]
    exact = [constants.weights, *constants.stages]
    for found, value in zip(first, exact, strict=True):
        assert value <= found <= value + Fraction(1, 2**38)


@named
def test_a_rule_that_has_ended_leaves_the_whole_integral(tableau: ButcherTableau) -> None:
    kernels = kernel_constants(tableau.a, tableau.b, tableau.c)
    for row, defects, node in zip(kernels.stages, kernels.stage_defects, tableau.c, strict=True):
        last = tableau.stages - 1  # 𝒜^stages = 0
        assert row[last] == node ** (last + 2) / factorial(last + 2)
        assert defects[last] == node ** (last + 1) / factorial(last + 1)
        assert defects[0] == 0


def test_constants_by_hand() -> None:
    assert kernel_constants(EULER.a, EULER.b, EULER.c).weights == (Fraction(1, 2),)
    # Heun at m = 1: bᵀ𝒜 = (1/2, 0), nothing at later nodes: ∫ (1 − s)²/2 = 1/6
    assert kernel_constants(HEUN.a, HEUN.b, HEUN.c).weights[1] == Fraction(1, 6)
    # one node at 1/2 of weight 1/2, m = 1: the kernel changes its sign where (1 − s)²/2 = 1/2, at s = 0
    # left of the node it is 1/4 − 7/48, right of it 1/48
    found = kernel_constant([Fraction(1, 2)], [Fraction(1, 2)], Fraction(1), 1)
    assert Fraction(1, 8) <= found <= Fraction(1, 8) + Fraction(1, 2**38)


@given(
    st.lists(st.tuples(st.fractions(0, 1, max_denominator=12), st.fractions(-2, 2, max_denominator=12)), max_size=4),
    st.sampled_from([Fraction(1, 2), Fraction(1)]),
    st.integers(0, 4),
)
def test_the_integral_is_that_of_a_fine_sum_and_never_below(
    rule: list[tuple[Fraction, Fraction]], end: Fraction, power: int
) -> None:
    nodes, weights = [node for node, _ in rule], [weight for _, weight in rule]
    last = max([end, *(node for node, weight in rule if weight)])
    points = 600
    total = 0.0
    for k in range(points):
        s = (k + 0.5) * float(last) / points
        height = sum(float(weight) for node, weight in rule if node > s)
        total += abs(height - max(float(end) - s, 0.0) ** (power + 1) / factorial(power + 1)) * float(last) / points
    found = float(kernel_constant(weights, nodes, end, power))
    assert found == pytest.approx(total, abs=(3.0 + 2.0 * len(rule)) * 8 / points)


@pytest.mark.parametrize("tableau", [RK4, DOPRI5, FEHLBERG45], ids=lambda tableau: tableau.name)
def test_constants_are_at_or_above_a_midpoint_sum_between_sign_changes(tableau: ButcherTableau) -> None:
    """∫|g| ≥ |∫g| on every half of [0, 1], exactly in fractions."""
    kernels = kernel_constants(tableau.a, tableau.b, tableau.c)
    row = list(tableau.b)
    for m, value in enumerate(kernels.weights):
        moment = sum((weight * node for weight, node in zip(row, tableau.c, strict=True)), Fraction(0))
        assert value >= abs(moment - Fraction(1, factorial(m + 2)))  # ∫₀¹ of the kernel without its sign
        row = [
            sum((entry * line[j] for entry, line in zip(row, tableau.a, strict=True)), Fraction(0))
            for j in range(tableau.stages)
        ]
