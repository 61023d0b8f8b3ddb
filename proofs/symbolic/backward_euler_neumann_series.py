"""The series (18) inverts I − hF for linear F with ‖hF‖ < 1.

Statement.  For a matrix F and A = hF: (I − A)(I + A + … + A^m) = I − A^{m+1} for every m ≥ 0. If ‖A‖ ≤ x < 1 then
            I − A is invertible with ‖(I − A)⁻¹‖ ≤ 1/(1 − x), and (18), backward Euler's
            y_{n+1} = y_n + Ay_n + A²y_n + …, converges to (I − A)⁻¹y_n with a remainder of norm at most
            x^{m+1}/(1 − x) → 0.
Proof.      Induction over m with a symbol A that does not commute; then Bernoulli's inequality for x^m → 0.

For nonlinear F the terms of (18) are compositions and the statement is false: see neumann_series_nonlinear.py.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal

CLAIM = Claim(
    statement="(I − hF)⁻¹ = I + hF + (hF)² + …, so (18) is backward Euler's method (16), (17)",
    assumptions=("F is linear", "h > 0", "h‖F‖ ≤ x < 1 in an operator norm"),
    source="the paper's (17), (18); theory, section 2",
    verdict=Verdict.LINEAR_ONLY,
)

m = sympy.Symbol("m", integer=True, nonnegative=True)


def check() -> None:
    """The telescoping sum, the inverse and its norm, and the remainder."""
    _implicit_equation()
    _telescoping_sum()
    _inverse_norm()
    _powers_vanish()
    _remainder()


def _implicit_equation() -> None:
    """y_{n+1} = y_n + hF y_{n+1} is (I − hF)y_{n+1} = y_n."""
    operator, before, after = sympy.symbols("A y_n y_{n+1}", commutative=False)
    require_equal(after - (before + operator * after), (1 - operator) * after - before, "backward Euler for linear F")


def _telescoping_sum() -> None:
    """(I − A)S_m = I − A^{m+1} = S_m(I − A) for S_m = I + A + … + A^m, by induction over m."""
    operator, partial_sum, power = sympy.symbols("A S_m P", commutative=False)  # P is A^{m+1}
    # m = 0: S_0 = I and A^1 = A
    require_equal((1 - operator) * 1, 1 - operator ** (m + 1).subs(m, 0), "(I − A)S_0 = I − A")
    # m to m + 1 with S_{m+1} = I + S_m A: the product (I − A)S_m appears, and the hypothesis replaces it by I − P
    grown = (1 - operator) * (1 + partial_sum * operator)
    require_equal(
        grown, (1 - operator) + ((1 - operator) * partial_sum) * operator, "(I − A)S_{m+1} contains (I − A)S_m"
    )
    require_equal((1 - operator) + (1 - power) * operator, 1 - power * operator, "(I − A)S_{m+1} = I − A^{m+1}A")
    # the same from the right with S_{m+1} = I + A S_m
    grown = (1 + operator * partial_sum) * (1 - operator)
    require_equal(
        grown, (1 - operator) + operator * (partial_sum * (1 - operator)), "and S_{m+1}(I − A) has S_m(I − A)"
    )
    require_equal((1 - operator) + operator * (1 - power), 1 - operator * power, "S_{m+1}(I − A) = I − AA^{m+1}")


def _inverse_norm() -> None:
    """‖v‖ ≤ ‖(I − A)v‖/(1 − x): the kernel is 0, so I − A is invertible, and ‖(I − A)⁻¹‖ ≤ 1/(1 − x)."""
    margin = sympy.Symbol("p", positive=True)  # x = 1/(1 + p) is every number in (0, 1)
    image, vector, operator_slack, triangle_slack = sympy.symbols("w v r s", nonnegative=True)
    x = 1 / (1 + margin)
    # v = (I − A)v + Av: ‖v‖ = ‖(I − A)v‖ + ‖Av‖ − s and ‖Av‖ = x‖v‖ − r
    triangle = image + (x * vector - operator_slack) - triangle_slack
    solved = sympy.solve(sympy.Eq(vector, triangle), vector)
    gap = (operator_slack + triangle_slack) / (1 - x)
    require(len(solved) == 1, "one solution for ‖v‖")
    require_equal(image / (1 - x) - solved[0], gap, "‖(I − A)v‖/(1 − x) − ‖v‖ = (r + s)/(1 − x)")
    require(sympy.simplify(gap).is_nonnegative, "(r + s)/(1 − x) ≥ 0")


def _powers_vanish() -> None:
    """‖A^m‖ ≤ x^m ≤ 1/(1 + mp) → 0 for x = 1/(1 + p): Bernoulli's inequality (1 + p)^m ≥ 1 + mp."""
    margin = sympy.Symbol("p", positive=True)
    slack = sympy.Symbol("q", nonnegative=True)
    require_equal((1 + margin) ** 0, 1, "m = 0: (1 + p)^0 = 1")
    # m to m + 1, the hypothesis with slack q: (1 + p)(1 + mp + q) = 1 + (m + 1)p + (mp² + (1 + p)q)
    gap = m * margin**2 + (1 + margin) * slack
    require_equal((1 + margin) * (1 + m * margin + slack) - (1 + (m + 1) * margin), gap, "the gap is mp² + (1 + p)q")
    require(gap.is_nonnegative, "mp² + (1 + p)q ≥ 0")
    require_equal(sympy.limit(1 / (1 + m * margin), m, sympy.oo), 0, "1/(1 + mp) → 0")


def _remainder() -> None:
    """(I − A)⁻¹ − S_m = A^{m+1}(I − A)⁻¹, of norm at most x^{m+1}/(1 − x)."""
    inverse, power = sympy.symbols("R P", commutative=False)  # R = (I − A)⁻¹ and P = A^{m+1}
    # S_m = (S_m(I − A))R = (I − P)R
    require_equal(inverse - (1 - power) * inverse, power * inverse, "R − (I − P)R = PR")
    # ‖P‖ = x^{m+1} − q, ‖R‖ = 1/(1 − x) − r and ‖PR‖ = ‖P‖‖R‖ − s, all norms at least 0
    margin, power_norm = sympy.symbols("p ‖P‖", positive=True)
    power_slack, inverse_slack, product_slack = sympy.symbols("q r s", nonnegative=True)
    inverse_bound = (1 + margin) / margin
    require_equal(1 / (1 - 1 / (1 + margin)), inverse_bound, "1/(1 − x) = (1 + p)/p")
    product = power_norm * (inverse_bound - inverse_slack) - product_slack
    gap = power_slack * inverse_bound + power_norm * inverse_slack + product_slack
    require_equal((power_norm + power_slack) * inverse_bound - product, gap, "x^{m+1}/(1 − x) − ‖PR‖")
    require(gap.is_nonnegative, "x^{m+1}/(1 − x) − ‖PR‖ ≥ 0")
