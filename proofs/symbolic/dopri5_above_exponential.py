"""dopri5's G(x) is above e^x for 0 < x < 10.0338214…, and below it beyond.

Statement.  There is one X with G(x) > e^x for 0 < x < X and G(x) < e^x for x > X, and
            10.0338214 < X < 10.0338215. So (11) does not bound G for dopri5: G(hK)^n > e^{nhK} for every hK below 10.
Proof.      G from the tableau's absolute values; then the sign of (G e^{−x})′ and rationals around e^x.
"""

from fractions import Fraction

import sympy

from natrob_theory.tableaus import DOPRI5
from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import polynomial_from, require_equal
from proofs.symbolic.exponential_crossing import require_single_crossing
from proofs.symbolic.linear_stages import bounded_growth, matrix_of, vector_of

CLAIM = Claim(
    statement="dopri5: G(x) > e^x exactly for 0 < x < X, with 10.0338214 < X < 10.0338215",
    assumptions=("x = hK",),
    source="theory, sections 1 and 2",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """One crossing, and where it is."""
    x = sympy.symbols("x", nonnegative=True)
    growth = bounded_growth(matrix_of(DOPRI5), vector_of(DOPRI5.b), x)
    require_equal(growth, polynomial_from(DOPRI5.growth_polynomial(), x), "the code's G")
    require_single_crossing(growth, x, Fraction("10.0338214"), Fraction("10.0338215"), "dopri5")
