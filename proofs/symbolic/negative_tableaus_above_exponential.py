"""The other tableaus with negative coefficients, the 3/8 rule and Fehlberg 4(5): G(x) is above e^x up to one crossing.

Statement.  G(x) > e^x for 0 < x < X and G(x) < e^x for x > X, with
            3.9076708 < X < 3.9076709 for the 3/8 rule, where G = 1 + x + x² + x³/3 + x⁴/24 (its weights are
            nonnegative, but not its A, and ‖b‖₁ = 1 alone does not put G below e^x);
            8.1850105 < X < 8.1850106 for Fehlberg 4(5).
Proof.      As for dopri5.
"""

from fractions import Fraction

import sympy

from natrob_theory.tableaus import DOPRI5, FEHLBERG45, THREE_EIGHTHS
from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import polynomial_from, require, require_equal
from proofs.symbolic.exponential_crossing import require_single_crossing
from proofs.symbolic.linear_stages import bounded_growth, matrix_of, vector_of

CLAIM = Claim(
    statement="the 3/8 rule and Fehlberg 4(5): G(x) > e^x exactly for 0 < x < X, X ≈ 3.9076708 and 8.1850105",
    assumptions=("x = hK",),
    source="theory, sections 1 and 2",
    verdict=Verdict.PROVED,
)

CROSSINGS = {
    THREE_EIGHTHS: (Fraction("3.9076708"), Fraction("3.9076709")),
    FEHLBERG45: (Fraction("8.1850105"), Fraction("8.1850106")),
}


def check() -> None:
    """One crossing each; and with dopri5 these are all the tableaus that have a negative coefficient."""
    x = sympy.symbols("x", nonnegative=True)
    for tableau, (low, high) in CROSSINGS.items():
        growth = bounded_growth(matrix_of(tableau), vector_of(tableau.b), x)
        require_equal(growth, polynomial_from(tableau.growth_polynomial(), x), f"{tableau.name}: the code's G")
        require_single_crossing(growth, x, low, high, tableau.name)
    three_eighths = bounded_growth(matrix_of(THREE_EIGHTHS), vector_of(THREE_EIGHTHS.b), x)
    require_equal(three_eighths, 1 + x + x**2 + x**3 / 3 + x**4 / 24, "the 3/8 rule's G")
    for tableau in (*CROSSINGS, DOPRI5):
        negative = any(entry < 0 for entry in (*matrix_of(tableau), *vector_of(tableau.b)))
        require(negative, f"{tableau.name}: negative coefficients")
