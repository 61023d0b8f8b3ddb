"""f = Ky attains G for tableaus without negative coefficients, and no f = λy attains it for the others of the library.

Statement.  If all aᵢⱼ, bᵢ ≥ 0, one step on y′ = Ky enlarges every difference by exactly G(hK), so no smaller factor
            serves all K-Lipschitz fields. For the 3/8 rule, Fehlberg 4(5) and dopri5, |R(λh)| < G(x) for |λh| = x > 0,
            complex λ included.
Proof.      With nothing negative |A| = A and |b| = b, and the stages of y′ = Ky are those of the bound. Otherwise
            |R(z)| ≤ Σ|r_k|x^k by the triangle inequality, and Σ(g_k − |r_k|)x^k > 0.
"""

import sympy

from natrob_theory.tableaus import DOPRI5, FEHLBERG45, TABLEAUS, THREE_EIGHTHS
from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import polynomial_from, require, require_equal, require_positive_coefficients
from proofs.symbolic.linear_stages import bounded_growth, linear_step, matrix_of, vector_of

CLAIM = Claim(
    statement="nonnegative tableaus: G = R, attained by f = Ky; the library's others: |R(z)| < G(|z|) for z ≠ 0",
    assumptions=("f(t, y) = Ky for the attained bound, f = λy for the other part",),
    source='theory, section 1, the column "tight for"',
    verdict=Verdict.PROVED,
)


def check() -> None:
    """Generic entries for s = 1, …, 4, then the library's tableaus."""
    x = sympy.symbols("x", nonnegative=True)
    for stages in range(1, 5):
        matrix = sympy.Matrix(stages, stages, lambda i, j: sympy.Symbol(f"a_{i}{j}", nonnegative=True) if j < i else 0)
        weights = sympy.Matrix(stages, 1, lambda i, _: sympy.Symbol(f"b_{i}", nonnegative=True))
        require_equal(linear_step(matrix, weights, x), bounded_growth(matrix, weights, x), f"R = G, s = {stages}")
    with_negative = []
    for tableau in TABLEAUS:
        matrix, weights = matrix_of(tableau), vector_of(tableau.b)
        reached, bound = linear_step(matrix, weights, x), polynomial_from(tableau.growth_polynomial(), x)
        if all(entry >= 0 for entry in (*matrix, *weights)):
            # e₁ = R(x)e₀ for the difference e of two solutions, y′ = Ky being linear
            require_equal(reached, bound, f"{tableau.name}: f = Ky attains G")
        else:
            with_negative.append(tableau)
            absolute = sum(abs(entry) * x**power for (power,), entry in sympy.Poly(reached, x).terms())
            require_positive_coefficients(bound - absolute, x, f"{tableau.name}: Σ|r_k|x^k < G(x) for x > 0")
    require(
        all(tableau in with_negative for tableau in (THREE_EIGHTHS, FEHLBERG45, DOPRI5)),
        "the tableaus of the statement have negative coefficients",
    )
