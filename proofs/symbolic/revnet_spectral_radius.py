"""The growth rate of RevNet's comparison matrix: ρ(M) = exp(2 asinh(√(ab)/2)) ≤ exp(√(ab)).

Statement.  The eigenvalues of M = [[1, a], [b, 1 + ab]], a, b ≥ 0, are λ and 1/λ with λ = exp(2 asinh(√(ab)/2)) ≥ 1,
            and λ ≤ exp(√(ab)). With a = hK₁, b = hK₂ and T = nh: ρ(M)^n ≤ e^{T√(K₁K₂)}.
Proof.      e^{asinh t} = t + √(1 + t²) turns λ into a number that solves λ² − (2 + ab)λ + 1 = 0; asinh t ≤ t because
            d/dt (t − asinh t) ≥ 0.
"""

from typing import Any

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal

CLAIM = Claim(
    statement="ρ([[1, a], [b, 1 + ab]]) = exp(2 asinh(√(ab)/2)) ≤ exp(√(ab))",
    assumptions=("a, b ≥ 0",),
    source="theory, section 1",
    verdict=Verdict.PROVED_FOR_EVERY_STEP,
)


def check() -> None:
    """The characteristic polynomial, its two roots, and the exponential above them."""
    _eigenvalues()
    _below_the_exponential()
    _over_an_interval()


def _eigenvalues() -> None:
    """λ = (t + √(1 + t²))² with t = √(ab)/2."""
    a, b, t = sympy.symbols("a b t", nonnegative=True)
    z = sympy.Symbol("z")
    comparison: Any = sympy.Matrix([[1, a], [b, 1 + a * b]])
    polynomial = z**2 - (2 + a * b) * z + 1
    require_equal(comparison.charpoly(z).as_expr(), polynomial, "det(zI − M) = z² − (2 + ab)z + 1")
    # e^{asinh t} = t + √(1 + t²): it is positive and its hyperbolic sine (w − 1/w)/2 is t
    base = t + sympy.sqrt(1 + t**2)
    require(base.is_positive, "t + √(1 + t²) > 0")
    require_equal((base - 1 / base) / 2, t, "sinh ln(t + √(1 + t²)) = t")
    require_equal(sympy.asinh(t).rewrite(sympy.log), sympy.log(base), "asinh t = ln(t + √(1 + t²))")
    # λ = e^{2 asinh t} at 4t² = ab is a root, and so is 1/λ, since the two multiply to det M = 1
    eigenvalue = base**2
    require_equal(sympy.exp(2 * sympy.log(base)), eigenvalue, "e^{2 asinh t} = (t + √(1 + t²))²")
    at_t = polynomial.subs(a * b, 4 * t**2)
    require(not at_t.has(a) and not at_t.has(b), "the polynomial depends on ab alone")
    require_equal(sympy.expand((z - eigenvalue) * (z - 1 / eigenvalue)), at_t, "z² − (2 + 4t²)z + 1 = (z − λ)(z − 1/λ)")
    # λ ≥ 1 ≥ 1/λ: λ − 1 = 2t(t + √(1 + t²))
    require_equal(eigenvalue - 1, 2 * t * base, "λ − 1 = 2t(t + √(1 + t²))")
    require((2 * t * base).is_nonnegative, "λ ≥ 1")


def _below_the_exponential() -> None:
    """asinh t ≤ t for t ≥ 0."""
    t = sympy.Symbol("t", nonnegative=True)
    difference = t - sympy.asinh(t)
    require_equal(difference.subs(t, 0), 0, "0 − asinh 0 = 0")
    root = sympy.sqrt(1 + t**2)
    slope = t**2 / (root * (root + 1))
    require_equal(sympy.diff(difference, t), slope, "1 − 1/√(1 + t²) = t²/(√(1 + t²)(√(1 + t²) + 1))")
    require(slope.is_nonnegative, "the derivative is at least 0")
    # 2 asinh(√(ab)/2) ≤ √(ab), and exp increases: its derivative is exp > 0
    s = sympy.Symbol("s", real=True)
    require(sympy.diff(sympy.exp(s), s).is_positive, "exp′ > 0")


def _over_an_interval() -> None:
    """n steps with a = hK₁ and b = hK₂: n√(ab) = T√(K₁K₂), whatever h is."""
    h, first_constant, second_constant, n = sympy.symbols("h K_1 K_2 n", positive=True)
    exponent = n * sympy.sqrt(h * first_constant * h * second_constant)
    require_equal(exponent, (n * h) * sympy.sqrt(first_constant * second_constant), "n√(ab) = T√(K₁K₂)")
