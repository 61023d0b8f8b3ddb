"""For linear F, PolyNet misses backward Euler by (hF)^{m+1}(I − hF)⁻¹.

Statement.  For a matrix F with A = hF and ‖A‖ ≤ x < 1, backward Euler's step minus PolyNet's of order m is
            A^{m+1}(I − A)⁻¹, for the paper's order 2 it is A³(I − A)⁻¹. Its norm is at most x^{m+1}/(1 − x), attained
            by F = K with x = hK.
Proof.      With R = (I − A)⁻¹ the partial sum is S_m = S_m(I − A)R = (I − A^{m+1})R; A does not commute in the steps.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal

CLAIM = Claim(
    statement="Backward Euler minus PolyNet of order 2 is (hF)³(I − hF)⁻¹, of norm at most x³/(1 − x), x = h‖F‖",
    assumptions=("F is linear", "h > 0", "x < 1"),
    source="the paper's (15) to (18); theory, section 2",
    verdict=Verdict.LINEAR_ONLY,
)


def check() -> None:
    """Order 2 written out, every order by the telescoping sum, the norm, and F = K."""
    _order_two()
    _every_order()
    _norm()
    _attained()


def _order_two() -> None:
    """R − (I + A + A²) = A³R, where (I − A)R = I."""
    operator, inverse = sympy.symbols("A R", commutative=False)
    polynet = 1 + operator + operator**2
    # PolyNet's step by its own recursion: u_0 = y, u_{k+1} = A u_k, and the sum of the u_k
    state = sympy.Symbol("y", commutative=False)
    first = operator * state
    second = operator * first
    require_equal(state + first + second, polynet * state, "PolyNet's step for linear F is I + A + A²")
    # I + A + A² = (I + A + A²)(I − A)R, since (I − A)R = I
    product = sympy.expand(polynet * (1 - operator))
    require_equal(product, 1 - operator**3, "(I + A + A²)(I − A) = I − A³")
    require_equal(inverse - product * inverse, operator**3 * inverse, "R − (I − A³)R = A³R")


def _every_order() -> None:
    """R − S_m = A^{m+1}R by induction over m, with S_0 = I and S_{m+1} = S_m + A^{m+1}."""
    operator, inverse, power = sympy.symbols("A R P", commutative=False)  # P = A^{m+1}
    identity = inverse - operator * inverse  # (I − A)R = I
    # m = 0: R − I = AR
    require_equal(inverse - identity, operator * inverse, "R − S_0 = AR")
    # m to m + 1: R − S_{m+1} = (R − S_m) − P = PR − P·I, and P·I = P(R − AR) leaves PAR = A^{m+2}R
    require_equal(power * inverse - power * identity, power * operator * inverse, "R − S_{m+1} = A^{m+2}R")


def _norm() -> None:
    """‖A^{m+1}R‖ ≤ x^{m+1}/(1 − x)."""
    x, margin = sympy.symbols("x d", positive=True)  # d = 1 − x > 0
    power, operator_slack, power_slack, product_slack, vector, inverse_slack = sympy.symbols(
        "‖A^k‖ a q s ‖Rv‖ r", nonnegative=True
    )
    # ‖A^k‖ ≤ x^k, from k to k + 1: x^k = ‖A^k‖ + q by hypothesis, ‖A‖ = x − a, ‖A^{k+1}‖ = ‖A^k‖‖A‖ − s
    gap = x * power_slack + power * operator_slack + product_slack
    require_equal(
        x * (power + power_slack) - (power * (x - operator_slack) - product_slack), gap, "x·x^k − ‖A^{k+1}‖ = xq + …"
    )
    require(gap.is_nonnegative, "x^{k+1} − ‖A^{k+1}‖ ≥ 0")
    # ‖R‖ ≤ 1/(1 − x): Rv = v + ARv, so ‖v‖ = ‖Rv‖ − x‖Rv‖ + s + r with the slacks of ‖ARv‖ ≤ x‖Rv‖ and the triangle
    argument = vector - (1 - margin) * vector + product_slack + inverse_slack
    gap = (product_slack + inverse_slack) / margin
    require_equal(argument / margin - vector, gap, "‖v‖/(1 − x) − ‖Rv‖ = (s + r)/(1 − x)")
    require(gap.is_nonnegative, "‖v‖/(1 − x) − ‖Rv‖ ≥ 0")
    # the product of the two bounds: x^{m+1} = ‖P‖ + q, 1/(1 − x) = ‖R‖ + r, ‖PR‖ = ‖P‖‖R‖ − s
    inverse = sympy.Symbol("‖R‖", nonnegative=True)
    gap = power * inverse_slack + power_slack * inverse + power_slack * inverse_slack + product_slack
    product = power * inverse - product_slack
    require_equal((power + power_slack) * (inverse + inverse_slack) - product, gap, "x^{m+1}/(1 − x) − ‖PR‖")
    require(gap.is_nonnegative, "x^{m+1}/(1 − x) − ‖PR‖ ≥ 0")


def _attained() -> None:
    """F = K in one dimension: 1/(1 − x) − (1 + x + … + x^m) = x^{m+1}/(1 − x), by induction over m."""
    x = sympy.Symbol("x", positive=True)
    m = sympy.Symbol("m", integer=True, nonnegative=True)
    defect = x ** (m + 1) / (1 - x)
    require_equal(1 / (1 - x) - 1, defect.subs(m, 0), "m = 0: 1/(1 − x) − 1 = x/(1 − x)")
    require_equal(defect - x ** (m + 1), defect.subs(m, m + 1), "one term more: x^{m+1}/(1 − x) − x^{m+1}")
    require_equal(1 / (1 - x) - (1 + x + x**2), defect.subs(m, 2), "PolyNet's order 2: x³/(1 − x)")
