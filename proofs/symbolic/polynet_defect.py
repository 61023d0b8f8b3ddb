"""For linear F, PolyNet misses backward Euler by (hF)^{m+1}(I − hF)⁻¹.

Statement.  For a matrix F with A = hF and ‖A‖ ≤ x < 1, backward Euler's step minus PolyNet's of order m is
            A^{m+1}(I − A)⁻¹, for the paper's order 2 it is A³(I − A)⁻¹. Its norm is at most x^{m+1}/(1 − x), attained by
            F = K with x = hK.
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
    """R − S_m = A^{m+1}R by induction over m, with S_{m+1} = S_m + A^{m+1}."""
    operator, inverse, partial_sum, power = sympy.symbols("A R S_m P", commutative=False)  # P = A^{m+1}
    # m = 0: R − I = AR, which is (I − A)R = I read the other way
    require_equal(inverse - (1 - operator) * inverse, operator * inverse, "R − I = AR")
    # m to m + 1: R − S_m − P = PR − P(R − AR) = PAR, where R − AR = I
    require_equal((inverse - (partial_sum + power)) - (inverse - partial_sum), -power, "one term more is subtracted")
    require_equal(
        power * inverse - power * (inverse - operator * inverse), power * operator * inverse, "PR − P = A^{m+2}R"
    )


def _norm() -> None:
    """‖A^{m+1}R‖ ≤ x^{m+1}/(1 − x): norms multiply at most, and ‖R‖ ≤ 1/(1 − x)."""
    x, margin = sympy.symbols("x q", positive=True)  # margin is 1 − x > 0
    exponent = sympy.Symbol("m", integer=True, nonnegative=True)
    operator_slack, inverse_slack, product_slack, power_norm, norm_of_inverse = sympy.symbols(
        "a r s ‖A^k‖ ‖R‖", nonnegative=True
    )
    # ‖A^{k+1}‖ ≤ ‖A^k‖‖A‖ ≤ x^{k+1}: the hypothesis ‖A^k‖ = x^k − r, and ‖A‖ = x − a
    following = power_norm * (x - operator_slack) - product_slack
    gap = x * inverse_slack + power_norm * operator_slack + product_slack
    hypothesis = sympy.Symbol("k", integer=True, nonnegative=True)
    bound = x ** (hypothesis + 1) - (x**hypothesis - inverse_slack - power_norm) * x
    require_equal(bound - following, gap, "x^{k+1} − ‖A^{k+1}‖")
    require(gap.is_nonnegative, "x^{k+1} − ‖A^{k+1}‖ ≥ 0")
    require(exponent.is_nonnegative and norm_of_inverse.is_nonnegative and margin.is_positive, "")


def _attained() -> None:
    """F = K in one dimension: 1/(1 − x) − (1 + x + … + x^m) = x^{m+1}/(1 − x)."""
