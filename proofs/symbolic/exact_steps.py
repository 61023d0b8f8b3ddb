"""The kinds of step a symbolic proof may take. Each is decided exactly; what sympy cannot decide raises `ProofError`.

No floating-point number takes part in any of them: one in an identity is refused.
"""

from fractions import Fraction
from typing import Any

import sympy

from proofs.claim import ProofError


def require(condition: Any, step: str) -> None:
    """A fact that sympy or exact arithmetic has decided; an undecided relation is no fact.

    Raises:
        ProofError: the condition is neither True nor sympy's true.
    """
    if condition is not True and condition is not sympy.true:
        raise ProofError(f"not decided in favour of the claim: {step} ({condition})")


def require_equal(left: Any, right: Any, step: str) -> None:
    """Two expressions are identical for all values of their symbols.

    Decided by bringing the difference over one denominator and expanding; `simplify` serves what has roots,
    exponentials or trigonometric functions in it. Matrices are compared entry by entry.
    """
    if isinstance(left, sympy.MatrixBase) or isinstance(right, sympy.MatrixBase):
        left, right = sympy.Matrix(left), sympy.Matrix(right)
        require(left.shape == right.shape, f"{step}: shapes {left.shape} and {right.shape}")
        for entry, other in zip(left, right, strict=True):
            require_equal(entry, other, step)
        return
    difference = _difference(left, right, step)
    together: Any = sympy.together(sympy.expand(difference))
    remainder = sympy.expand(together.as_numer_denom()[0])
    if remainder != 0:
        remainder = sympy.simplify(difference)
    if remainder != 0:
        raise ProofError(f"not identical: {step}; the difference is {remainder}")


def require_different(left: Any, right: Any, step: str) -> None:
    """Two exact numbers differ; their difference must be a number that sympy can sign."""
    difference = _difference(left, right, step)
    require(difference.is_number, f"{step}: {difference} is not a number")
    require(difference.is_zero is False, step)


def _difference(left: Any, right: Any, step: str) -> Any:
    sides: list[Any] = [sympy.sympify(left), sympy.sympify(right)]
    if any(side.has(sympy.Float) for side in sides):
        raise ProofError(f"a floating-point number in a proof: {step}")
    return sides[0] - sides[1]


def require_positive_coefficients(polynomial: Any, symbol: sympy.Symbol, step: str) -> None:
    """All coefficients are at least 0 and one is positive, so the polynomial is positive for every symbol > 0."""
    coefficients = sympy.Poly(polynomial, symbol).all_coeffs()
    decided = all(coefficient.is_nonnegative is True for coefficient in coefficients)
    require(decided and any(coefficient.is_positive is True for coefficient in coefficients), step)


def count_roots(polynomial: Any, symbol: sympy.Symbol, low: Any, high: Any) -> int:
    """The number of distinct real roots in the closed interval [low, high], by Sturm's theorem; ends exact or ∞."""
    return int(sympy.Poly(polynomial, symbol, domain="QQ").count_roots(low, high))


def exponential_enclosure(exponent: Fraction | sympy.Rational, *, terms: int = 40) -> tuple[Any, Any]:
    """Rationals below and above e^q for a rational q ≥ 0.

    The partial sum to q^n/n! is below; for q ≤ n + 1 the rest Σ_{k>n} q^k/k! is at most
    q^{n+1}/(n+1)! · Σ (q/(n+2))^j = q^{n+1}/(n+1)! · (n + 2)/(n + 2 − q).
    """
    q = sympy.Rational(exponent.numerator, exponent.denominator)
    require(q >= 0, f"the exponent {q} is at least 0")
    require(q <= terms + 1, f"the exponent {q} is at most {terms + 1}")
    term, below = sympy.Integer(1), sympy.Integer(1)
    for n in range(1, terms + 1):
        term = term * q / n
        below += term
    rest = term * q / (terms + 1) * sympy.Rational(terms + 2) / (terms + 2 - q)
    return below, below + rest


def rational(number: Fraction) -> Any:
    """A fraction of natrob_theory as sympy's exact rational."""
    return sympy.Rational(number.numerator, number.denominator)


def polynomial_from(coefficients: tuple[Fraction, ...], symbol: sympy.Symbol) -> Any:
    """Σ cₖ symbol^k from ascending coefficients."""
    return sum((rational(entry) * symbol**power for power, entry in enumerate(coefficients)), sympy.Integer(0))
