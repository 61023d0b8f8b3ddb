from fractions import Fraction
from math import factorial

import pytest

from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    EULER,
    FEHLBERG45,
    HEUN,
    HEUN_EULER,
    MIDPOINT,
    RK4,
    TABLEAUS,
    THREE_EIGHTHS,
    ButcherTableau,
)
from natrob_theory.tableaus.butcher_tableau import fractions
from natrob_theory.tableaus.rooted_trees import order_of

ORDERS = [
    (EULER, 1, None),
    (HEUN, 2, None),
    (MIDPOINT, 2, None),
    (RK4, 4, None),
    (THREE_EIGHTHS, 4, None),
    (HEUN_EULER, 2, 1),
    (BOGACKI_SHAMPINE, 3, 2),
    (FEHLBERG45, 4, 5),
    (DOPRI5, 5, 4),
]


def test_the_tableaus_of_the_literature_are_there_and_have_names_of_their_own() -> None:
    assert {entry[0] for entry in ORDERS} <= set(TABLEAUS)
    assert len({tableau.name for tableau in TABLEAUS}) == len(TABLEAUS)


@pytest.mark.parametrize(("tableau", "order", "order_embedded"), ORDERS, ids=[entry[0].name for entry in ORDERS])
def test_orders(tableau: ButcherTableau, order: int, order_embedded: int | None) -> None:
    assert tableau.order == order_of(tableau.a, tableau.b, up_to=6) == order
    assert tableau.order_embedded == order_embedded
    if tableau.b_embedded is not None:
        assert order_of(tableau.a, tableau.b_embedded, up_to=6) == order_embedded
    assert tableau.source


@pytest.mark.parametrize("tableau", TABLEAUS, ids=lambda tableau: tableau.name)
def test_stability_polynomial_is_the_exponential_through_the_order_and_no_further(tableau: ButcherTableau) -> None:
    coefficients = [*tableau.stability_polynomial(), Fraction(0)]
    assert coefficients[: tableau.order + 1] == [Fraction(1, factorial(k)) for k in range(tableau.order + 1)]
    assert coefficients[tableau.order + 1] != Fraction(1, factorial(tableau.order + 1))


@pytest.mark.parametrize(
    ("tableau", "printed"),
    [
        (EULER, fractions(1, 1)),
        (HEUN, fractions(1, 1, "1/2")),
        (MIDPOINT, fractions(1, 1, "1/2")),
        (RK4, fractions(1, 1, "1/2", "1/6", "1/24")),
        (
            DOPRI5,
            fractions(1, "5579/3392", "391473/23744", "1466443/267120", "81/100", "1/18", "1/600"),
        ),
    ],
    ids=lambda value: value.name if isinstance(value, ButcherTableau) else "",
)
def test_growth_polynomials_are_those_of_theory_section_1(
    tableau: ButcherTableau, printed: tuple[Fraction, ...]
) -> None:
    assert tableau.growth_polynomial() == printed


@pytest.mark.parametrize("tableau", [EULER, HEUN, MIDPOINT, RK4, HEUN_EULER, BOGACKI_SHAMPINE], ids=lambda t: t.name)
def test_nonnegative_tableaus_grow_by_their_stability_polynomial(tableau: ButcherTableau) -> None:
    assert tableau.growth_polynomial() == tableau.stability_polynomial()


@pytest.mark.parametrize("tableau", [THREE_EIGHTHS, FEHLBERG45, DOPRI5], ids=lambda tableau: tableau.name)
def test_negative_coefficients_cost_growth(tableau: ButcherTableau) -> None:
    assert tableau.growth_polynomial() != tableau.stability_polynomial()


def test_first_same_as_last_pairs() -> None:
    assert DOPRI5.a[-1] == DOPRI5.b
    assert BOGACKI_SHAMPINE.a[-1] == BOGACKI_SHAMPINE.b
