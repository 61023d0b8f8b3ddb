"""The steps of the symbolic proofs refuse what is false, and what sympy cannot decide."""

from fractions import Fraction

import pytest
import sympy

from proofs.claim import ProofError
from proofs.symbolic.exact_steps import (
    count_roots,
    exponential_enclosure,
    polynomial_from,
    rational,
    require,
    require_different,
    require_equal,
    require_positive_coefficients,
)

x, y = sympy.symbols("x y")


def test_require_takes_decided_facts_only() -> None:
    require(True, "true")
    require(sympy.Integer(1) < 2, "1 < 2")
    for undecided in (False, sympy.false, x > 0, None, 1, x):
        with pytest.raises(ProofError, match="not decided"):
            require(undecided, "undecided")


def test_require_equal_is_for_identities() -> None:
    require_equal((x + y) ** 2, x**2 + 2 * x * y + y**2, "binomial")
    require_equal(1 / (x - 1) - 1 / (x + 1), 2 / (x**2 - 1), "fractions")
    require_equal(sympy.cos(x) ** 2 + sympy.sin(x) ** 2, 1, "circle")
    with pytest.raises(ProofError, match="not identical"):
        require_equal((x + y) ** 2, x**2 + y**2, "false binomial")


def test_floats_are_refused() -> None:
    with pytest.raises(ProofError, match="floating-point"):
        require_equal(sympy.Rational(1, 2), 0.5, "a half")
    with pytest.raises(ProofError, match="floating-point"):
        require_different(sympy.exp(1), 2.7 + x, "e")


def test_require_equal_compares_matrices_by_entry_and_shape() -> None:
    require_equal(sympy.eye(2) * x, sympy.diag(x, x), "multiples of the identity")
    with pytest.raises(ProofError, match="not identical"):
        require_equal(sympy.eye(2), sympy.diag(1, 2), "another diagonal")
    with pytest.raises(ProofError, match="shapes"):
        require_equal(sympy.eye(2), sympy.eye(3), "another shape")


def test_require_different_wants_numbers() -> None:
    require_different(sympy.exp(1), sympy.Rational(19, 7), "e is no 19/7")
    with pytest.raises(ProofError):
        require_different(2, sympy.Integer(2), "the same")
    with pytest.raises(ProofError, match="not a number"):
        require_different(x, 2, "a symbol")


def test_positive_coefficients() -> None:
    require_positive_coefficients(1 + x**3, x, "positive")
    for polynomial in (1 - x, sympy.Integer(0), y * x):
        with pytest.raises(ProofError):
            require_positive_coefficients(polynomial, x, "not positive")


def test_roots_are_counted_in_closed_intervals() -> None:
    polynomial = (x - 1) * (x - 2) * (x**2 + 1)
    assert count_roots(polynomial, x, 0, sympy.oo) == 2
    assert count_roots(polynomial, x, 1, 1) == 1
    assert count_roots(polynomial, x, sympy.Rational(3, 2), sympy.Rational(5, 3)) == 0


@pytest.mark.parametrize("exponent", [Fraction(0), Fraction(1, 7), Fraction(1), Fraction(20)])
def test_exponential_enclosure_contains_the_exponential(exponent: Fraction) -> None:
    low, high = exponential_enclosure(exponent)
    true = sympy.exp(rational(exponent))
    assert low <= true <= high
    coarse_low, coarse_high = exponential_enclosure(exponent, terms=25)
    assert coarse_low <= low
    assert high <= coarse_high


def test_exponential_enclosure_has_a_range() -> None:
    with pytest.raises(ProofError, match="at least 0"):
        exponential_enclosure(Fraction(-1))
    with pytest.raises(ProofError, match="at most"):
        exponential_enclosure(Fraction(60))


def test_polynomial_from_fractions_is_exact() -> None:
    assert sympy.expand(polynomial_from((Fraction(1), Fraction(0), Fraction(1, 3)), x) - (1 + x**2 / 3)) == 0
