"""κ of every tableau: the published fractions, nodes in any order, and the integral by brute force."""

from fractions import Fraction

import pytest
from hypothesis import given

from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    EULER,
    FEHLBERG45,
    HEUN,
    MIDPOINT,
    RK4,
    TABLEAUS,
    THREE_EIGHTHS,
    ButcherTableau,
    strategies,
)
from natrob_theory.tableaus.butcher_tableau import fractions
from natrob_theory.tableaus.local_error_constants import kappa

PUBLISHED = [
    (EULER, Fraction(1, 2)),
    (HEUN, Fraction(1, 4)),
    (MIDPOINT, Fraction(1, 4)),
    (RK4, Fraction(5, 36)),
    (BOGACKI_SHAMPINE, Fraction(149, 1296)),
    (DOPRI5, Fraction(291751616209, 2283299020800)),
]


@pytest.mark.parametrize(("tableau", "value"), PUBLISHED, ids=[tableau.name for tableau, _ in PUBLISHED])
def test_the_weights_have_the_published_constant(tableau: ButcherTableau, value: Fraction) -> None:
    assert tableau.local_error_constants().weights == value


@pytest.mark.parametrize(
    ("tableau", "bracket"),
    [(EULER, 0.5), (HEUN, 0.275), (RK4, 0.1518), (BOGACKI_SHAMPINE, 0.1265), (DOPRI5, 0.2504), (THREE_EIGHTHS, 0.1040)],
    ids=lambda value: value.name if isinstance(value, ButcherTableau) else "",
)
def test_the_bracket_at_a_tenth_is_that_of_theory_section_8(tableau: ButcherTableau, bracket: float) -> None:
    value = sum(float(coefficient) * 0.1**k for k, coefficient in enumerate(tableau.local_error_polynomial()))
    assert value == pytest.approx(bracket, abs=5e-5)


def test_printed_polynomials() -> None:
    assert HEUN.local_error_polynomial() == fractions("1/4", "1/4")
    assert [round(float(c), 4) for c in RK4.local_error_polynomial()] == [0.1389, 0.125, 0.0417, 0.0104]
    assert [round(float(c), 4) for c in BOGACKI_SHAMPINE.local_error_polynomial()] == [0.115, 0.1111, 0.0417]
    assert [round(float(c), 4) for c in DOPRI5.local_error_polynomial()] == [
        0.1278,
        1.1855,
        0.3994,
        0.0669,
        0.005,
        2e-4,
    ]


def test_a_row_that_uses_later_nodes_is_followed_up_to_them() -> None:
    """Fehlberg's last stage lies at 1/2 and uses the stages at 12/13 and 1."""
    assert float(FEHLBERG45.local_error_constants().stages[5]) == pytest.approx(0.3901, abs=5e-5)
    row, nodes = FEHLBERG45.a[5], FEHLBERG45.c
    earlier = [weight if node <= nodes[5] else Fraction(0) for weight, node in zip(row, nodes, strict=True)]
    assert kappa(tuple(earlier), nodes, nodes[5]) != FEHLBERG45.local_error_constants().stages[5]


def test_embedded_differences_have_their_own_constants() -> None:
    assert float(BOGACKI_SHAMPINE.local_error_constants().difference or 0) == pytest.approx(0.0694, abs=5e-5)
    assert float(DOPRI5.local_error_constants().difference or 0) == pytest.approx(0.0068, abs=5e-5)
    for tableau, second in ((BOGACKI_SHAMPINE, 0.0421), (DOPRI5, 0.1844)):
        assert float(tableau.embedded_estimate_polynomial()[1]) == pytest.approx(second, abs=5e-5)
    assert HEUN.local_error_constants().difference is None
    with pytest.raises(ValueError, match="tableau Heun: `b_embedded` must be given for an estimate, got None"):
        HEUN.embedded_estimate_polynomial()


@given(strategies.tableaus())
def test_the_integral_is_that_of_a_fine_sum(tableau: ButcherTableau) -> None:
    if any(node < 0 for node in tableau.c):
        with pytest.raises(ValueError, match="nodes must be at least 0"):
            tableau.local_error_constants()
        return
    points, constants = 800, tableau.local_error_constants()
    rows = [(tableau.b, 1.0, constants.weights), (tableau.a[-1], float(tableau.c[-1]), constants.stages[-1])]
    for weights, end, value in rows:
        last = max([end, *(float(node) for node, weight in zip(tableau.c, weights, strict=True) if weight)])
        middles = [(k + 0.5) * last / points for k in range(points)]
        jumps = [(float(node), float(weight)) for node, weight in zip(tableau.c, weights, strict=True)]
        heights = [sum(weight for node, weight in jumps if node <= s) for s in middles]
        sum_of_bars = sum(abs(height - min(s, end)) for s, height in zip(middles, heights, strict=True)) * last / points
        scale = 1.0 + sum(abs(weight) for _, weight in jumps)
        assert float(value) == pytest.approx(sum_of_bars, abs=scale * 4 * (1 + last) / points * len(jumps))


@pytest.mark.parametrize("tableau", TABLEAUS, ids=lambda tableau: tableau.name)
def test_no_method_is_below_its_least_possible_constant(tableau: ButcherTableau) -> None:
    distinct = {node for node, weight in zip(tableau.c, tableau.b, strict=True) if weight != 0}
    assert tableau.local_error_constants().weights >= Fraction(1, 4 * len(distinct))
    assert tableau.local_error_constants().reach == 1


def test_negative_nodes_are_refused_by_name() -> None:
    backward = ButcherTableau(
        name="looks back", a=(fractions(0, 0), fractions(-1, 0)), b=fractions("3/2", "-1/2"), c=fractions(0, -1),
        order=2, source="this test",
    )  # fmt: skip
    with pytest.raises(ValueError, match="tableau looks back: nodes must be at least 0 for a local error bound"):
        backward.local_error_polynomial()


def test_nodes_beyond_the_step_lengthen_its_reach() -> None:
    beyond = ButcherTableau(
        name="looks ahead", a=(fractions(0, 0), fractions(2, 0)), b=fractions("3/4", "1/4"), c=fractions(0, 2),
        order=2, source="this test",
    )  # fmt: skip
    constants = beyond.local_error_constants()
    assert constants.reach == 2
    # B = 3/4 until 2, then 1: ∫₀¹|3/4 − s| + ∫₁²|3/4 − 1| = 9/32 + 1/32 + 1/4
    assert constants.weights == Fraction(9, 16)
    assert constants.stages == (0, 2)
