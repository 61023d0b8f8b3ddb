"""How often, and where, a polynomial crosses e^x on x > 0: the steps that several proofs share."""

from fractions import Fraction
from typing import Any

import sympy

from proofs.symbolic.exact_steps import count_roots, exponential_enclosure, rational, require, require_equal

WIDEST = sympy.Rational(1, 10**6)


def require_single_crossing(growth: Any, x: sympy.Symbol, low: Fraction, high: Fraction, name: str) -> None:
    """growth > e^x on (0, X), growth < e^x beyond, and low < X < high.

    q(x) = growth · e^{−x} has q(0) = 1 and q′ = (growth′ − growth)e^{−x}. The polynomial D = growth′ − growth has one
    root ξ > 0, is positive before it and negative after it. So q rises from 1 on [0, ξ] and falls from there to its
    limit 0: it takes the value 1 once, at some X > ξ, and low and high are on the two sides of it.

    Raises:
        ProofError: one of these steps fails; or the interval is wider than 10⁻⁶.
    """
    require_equal(growth.subs(x, 0), 1, f"{name}: q(0) = 1")
    slope = sympy.diff(growth, x) - growth
    require_equal(sympy.diff(growth * sympy.exp(-x), x), slope * sympy.exp(-x), f"{name}: q′ = D e^(−x)")
    # D without its roots at 0, which do not change its sign for x > 0
    coefficients = sympy.Poly(slope, x).all_coeffs()
    while coefficients[-1] == 0:
        coefficients.pop()
    require(coefficients[-1].is_positive, f"{name}: D > 0 to the right of 0")
    require(coefficients[0].is_negative, f"{name}: D < 0 in the end")
    require(count_roots(sympy.Poly(coefficients, x), x, 0, sympy.oo) == 1, f"{name}: D has one positive root, by Sturm")
    # the signs before and after differ, so D changes its sign at its one root
    require_equal(sympy.limit(growth * sympy.exp(-x), x, sympy.oo), 0, f"{name}: q falls to 0")
    require_enclosed_crossing(growth, x, low, high, name)


def require_enclosed_crossing(growth: Any, x: sympy.Symbol, low: Fraction, high: Fraction, name: str) -> None:
    """growth > e^x at low and growth < e^x at high, by rationals around both exponentials."""
    start, end = rational(low), rational(high)
    require(end - start > 0, f"{name}: the interval's ends")
    require(end - start <= WIDEST, f"{name}: the interval's width")
    require(growth.subs(x, start) > exponential_enclosure(low)[1], f"{name}: above e^x at {low}")
    require(growth.subs(x, end) < exponential_enclosure(high)[0], f"{name}: below e^x at {high}")
