"""PolyNet's G_m(x) = Σ_{k≤m} x^k is above e^x up to one crossing, for every order m ≥ 2.

Statement.  For every m ≥ 2 there is one X_m with G_m(x) > e^x for 0 < x < X_m and G_m(x) < e^x for x > X_m.
            1.7932821 < X_2 < 1.7932822, and X_m ≥ X_2. Since f = Ky attains G_m, e^{TK} is no bound for PolyNet.
Proof.      q = G_m e^{−x} has q(0) = 1 and q′ = D_m e^{−x} with D_m = G_m′ − G_m = Σ_{1≤k<m} k x^k − x^m. For x > 0
            D_m/x^m + 1 = Σ_{1≤k<m} k x^{k−m} falls from ∞ to 0, so D_m is positive, then negative. So q rises from 1
            and then falls to its limit 0, and takes the value 1 once for x > 0.
            m = 1 is Euler's method, where the sum is empty and G_1 < e^x throughout.
"""

from fractions import Fraction

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.exponential_crossing import require_single_crossing

CLAIM = Claim(
    statement="Σ_{k≤m} x^k > e^x exactly for 0 < x < X_m, m ≥ 2; 1.7932821 < X_2 < 1.7932822, and X_m ≥ X_2",
    assumptions=("x = hK", "m ≥ 2"),
    source="theory, sections 1 and 2",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """Order 2 in full, then every order."""
    x = sympy.symbols("x", positive=True)
    require_single_crossing(1 + x + x**2, x, Fraction("1.7932821"), Fraction("1.7932822"), "PolyNet of order 2")
    check_slope(x)
    check_sign_pattern(x)
    check_limit(x)
    # G_m − G_2 is a sum of x^k > 0, so G_m > e^x wherever G_2 is
    k = sympy.symbols("k", integer=True, positive=True)
    require((x**k).is_positive, "x^k > 0")


def check_slope(x: sympy.Symbol) -> None:
    """G_m′ − G_m = Σ_{1≤k<m} k x^k − x^m by induction on m."""
    m = sympy.symbols("m", integer=True, positive=True)
    k = sympy.symbols("k", integer=True)

    def claimed(order: int) -> sympy.Expr:
        return sympy.Sum(k * x**k, (k, 1, order - 1)).doit() - x**order

    # m = 1: (1 + x)′ − (1 + x) = −x
    require_equal(sympy.diff(1 + x, x) - (1 + x), claimed(1), "m = 1")
    # from m to m + 1 the left side gains (x^{m+1})′ − x^{m+1}; the right side m x^m, and −x^{m+1} in place of −x^m
    gained = sympy.diff(x ** (m + 1), x) - x ** (m + 1)
    require_equal(gained, m * x**m - x ** (m + 1) + x**m, "from m to m + 1")
    # the same in full for the first orders
    for order in range(2, 7):
        growth = sum(x**power for power in range(order + 1))
        require_equal(sympy.diff(growth, x) - growth, claimed(order), f"m = {order}")


def check_sign_pattern(x: sympy.Symbol) -> None:
    """Each term k x^{k−m}, 1 ≤ k < m, falls from ∞ to 0; and there is one at least, for m ≥ 2."""
    k, missing = sympy.symbols("k j", integer=True, positive=True)  # m = k + j
    term = k * x ** (-missing)
    slope = sympy.diff(term, x)
    require(slope.is_negative, "every term falls")
    require(sympy.limit(term, x, 0, "+") == sympy.oo, "from ∞")
    require_equal(sympy.limit(term, x, sympy.oo), 0, "to 0")


def check_limit(x: sympy.Symbol) -> None:
    """G_m e^{−x} → 0: x^k e^{−x} → 0 for every k, since e^x > x^{k+1}/(k + 1)!."""
    k = sympy.symbols("k", integer=True, nonnegative=True)
    above = sympy.factorial(k + 1) / x
    require_equal(x**k / (x ** (k + 1) / sympy.factorial(k + 1)), above, "x^k e^{−x} < (k + 1)!/x")
    require_equal(sympy.limit(above, x, sympy.oo), 0, "(k + 1)!/x → 0")
