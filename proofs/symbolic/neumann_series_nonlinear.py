"""Refuted for nonlinear F: the series (18) inverts I − hF.

Statement (refuted).  (I − hF)⁻¹y = y + hF(y) + hF(hF(y)) + … for every F with ‖hF‖ < 1.
Counterexample 1.     F(y) = c ≠ 0 (Lipschitz constant 0): backward Euler gives y + hc; every term of the series after
                      the first is hc, so the series diverges.
Counterexample 2.     F(y) = y² (F(0) = 0), h = ¼, y = ¾: hF is ½-Lipschitz on [0, 1], where Y = y + hY² has the one
                      solution 1 (the other is 3), but the series converges to a number below 0.9.
In general.           For smooth F: (I − hF)⁻¹y = y + hF(y) + h²F′(y)F(y) + O(h³), but
                      y + hF(y) + hF(hF(y)) = y + hF(y) + hF(0) + h²F′(0)F(y) + O(h³). The defect is hF(0) + O(h²),
                      and with F(0) = 0 it is h²(F′(0) − F′(y))F(y) + O(h³): it vanishes to this order where F′ is
                      constant.
Proof.                Differentiate Y(h) = y + hF(Y(h)) twice at h = 0; shown by the chain rule, for a generic F in
                      one and in two dimensions.
"""

from fractions import Fraction
from typing import Any

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_different, require_equal

CLAIM = Claim(
    statement="(I − hF)⁻¹y = y + hF(y) + hF(hF(y)) + …, so (18) is backward Euler's method for nonlinear F too",
    assumptions=("F is smooth; the branch of the implicit solution that starts at y for h = 0",),
    source="the paper's (18); theory, section 2",
    verdict=Verdict.REFUTED,
)

h = sympy.Symbol("h")


def check() -> None:
    """The two counterexamples in fractions, then the two expansions for a generic F."""
    _constant_field()
    _square_at_a_point()
    _square_as_series()
    for dimension in (1, 2):
        _generic(dimension)
    _not_equal_in_general()


def _constant_field() -> None:
    """F(y) = c: u_k = hF(u_{k−1}) = hc for every k ≥ 1, so the partial sums are y + khc, and y + hc is the solution."""
    c, size = sympy.symbols("c h", positive=True)
    y = sympy.Symbol("y", real=True)
    terms = sympy.Symbol("k", integer=True, positive=True)

    def field(_point: Any) -> Any:
        return c

    implicit = y + size * c
    require_equal(implicit, y + size * field(implicit), "y + hc solves Y = y + hF(Y)")
    term = size * field(y)
    require_equal(size * field(term), term, "every term is the one before")
    require(sympy.limit(y + terms * term, terms, sympy.oo) == sympy.oo, "the partial sums y + khc have no limit")


def _square_at_a_point() -> None:
    """F(y) = y² at h = ¼, y = ¾: exact fractions only."""
    size, y = Fraction(1, 4), Fraction(3, 4)
    unknown = sympy.Symbol("Y")
    quadratic = unknown - (sympy.Rational(3, 4) + sympy.Rational(1, 4) * unknown**2)
    require(set(sympy.solve(quadratic, unknown)) == {sympy.Integer(1), sympy.Integer(3)}, "Y = 1 or Y = 3")
    # |hF(z) − hF(w)| = h|z + w||z − w| ≤ 2h|z − w| on [0, 1], so that ‖hF‖ < 1 there in the sense of (18)
    z, w = sympy.symbols("z w", real=True)
    require_equal(z**2 - w**2, (z + w) * (z - w), "z² − w² = (z + w)(z − w)")
    require(2 * size == Fraction(1, 2), "2h = ½ < 1")
    # u_0 = y, u_{k+1} = h u_k²: from u_1 on the ratio u_{k+1}/u_k = h u_k is at most h u_1 < 1
    first = size * y**2
    ratio = size * first
    require(0 < ratio < 1, "the terms decrease from u_1 on")
    sum_above = y + first / (1 - ratio)
    require(0 < sum_above < Fraction(9, 10), "0 < the sum of the series ≤ ¾ + u_1/(1 − h u_1) < 9/10")


def _square_as_series() -> None:
    """Both sides of (18) for F(y) = y², as series in h: they part at h²."""
    y = sympy.Symbol("y", positive=True)
    branch = (1 - sympy.sqrt(1 - 4 * h * y)) / (2 * h)
    require_equal(branch, y + h * branch**2, "the branch solves Y = y + hY²")
    require_equal(sympy.limit(branch, h, 0), y, "and starts at y")
    implicit = sympy.series(branch, h, 0, 3).removeO()
    require_equal(implicit, y + h * y**2 + 2 * h**2 * y**3, "Y = y + hy² + 2h²y³ + O(h³)")
    composed = h * (h * y**2) ** 2
    require_equal(composed, h**3 * y**4, "hF(hF(y)) = h³y⁴")
    # the terms after it are of higher order still: u_{k+1} = h u_k², and h(h³)² = h⁷
    defect = sympy.expand(y + h * y**2 - implicit).coeff(h, 2)
    require_equal(defect, -2 * y**3, "the series lacks 2h²y³")
    require_different(defect.subs(y, 1), 0, "which is not 0")


def _coefficient(value: Any, order: int) -> Any:
    """The coefficient of h^order in the Taylor series at h = 0."""
    return (sympy.diff(value, h, order) / sympy.factorial(order)).subs(h, 0).doit()


def _generic(dimension: int) -> None:
    """Both expansions to h² for a generic smooth F: ℝ^d → ℝ^d."""
    axes = range(dimension)
    y = sympy.symbols(f"y_0:{dimension}")
    origin = [sympy.Integer(0)] * dimension
    components = [sympy.Function(f"F_{axis}") for axis in axes]

    def field(point: Any) -> list[Any]:
        return [component(*point) for component in components]

    def derivative(point: Any, direction: Any) -> list[Any]:
        """F′(point)·direction."""
        placeholders = sympy.symbols(f"p_0:{dimension}")
        jacobian = sympy.Matrix(field(placeholders)).jacobian(placeholders)
        return list(jacobian.subs(dict(zip(placeholders, point, strict=True))).doit() * sympy.Matrix(direction))

    # backward Euler: Y = y + h c + h² g + O(h³) in Y = y + hF(Y) determines c = F(y), then g = F′(y)c
    linear, quadratic = sympy.symbols(f"c_0:{dimension}"), sympy.symbols(f"g_0:{dimension}")
    curve = [y[axis] + h * linear[axis] + h**2 * quadratic[axis] for axis in axes]
    slope = derivative(y, field(y))
    chosen = dict(zip(linear, field(y), strict=True))
    for axis in axes:
        image = y[axis] + h * field(curve)[axis]
        require_equal(_coefficient(image, 0), y[axis], "Y(0) = y")
        require_equal(_coefficient(image, 1), field(y)[axis], "c = F(y)")
        require_equal(_coefficient(image, 2).subs(chosen).doit(), slope[axis], "g = F′(y)F(y)")

    # the series: u_1 = hF(y), u_2 = hF(u_1), u_3 = hF(u_2)
    first = [h * value for value in field(y)]
    second = [h * value for value in field(first)]
    third = [h * value for value in field(second)]
    slope_at_origin = derivative(origin, field(y))
    vanishing = dict(zip(field(origin), origin, strict=True))  # F(0) = 0
    for axis in axes:
        require_equal(_coefficient(second[axis], 1), field(origin)[axis], "u_2 = hF(0) + …")
        require_equal(_coefficient(second[axis], 2), slope_at_origin[axis], "… + h²F′(0)F(y) + O(h³)")
        # with F(0) = 0 all that follows is O(h³), so the defect of (18) is that of its first three terms
        tail = [_coefficient(third[axis], order).subs(vanishing).doit() for order in (1, 2)]
        require(tail == [0, 0], "u_3 = O(h³) if F(0) = 0")


def _not_equal_in_general() -> None:
    """F(y) = y²: h²(F′(0) − F′(y))F(y) = −2h²y³, the defect found above, so the order h² is attained."""
    y = sympy.Symbol("y")
    field = y**2
    slope = sympy.diff(field, y)
    require_equal((slope.subs(y, 0) - slope) * field, -2 * y**3, "(F′(0) − F′(y))F(y) = −2y³")
