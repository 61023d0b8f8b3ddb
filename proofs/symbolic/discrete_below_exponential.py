"""(1 + hK)^n ≤ e^{nhK}: the paper's step from (10) to (11).

Statement.  For x = hK ≥ 0 and every n ≥ 0: (1 + x)^n ≤ e^{nx}.
Proof.      d(x) = e^x − (1 + x) has d(0) = 0 and d′(x) = e^x − 1 ≥ 0 for x ≥ 0, so 1 + x ≤ e^x;
            both sides are positive, so the n-th powers keep their order, and (e^x)^n = e^{nx}.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal

CLAIM = Claim(
    statement="(1 + hK)^n ≤ e^{nhK} = e^{(b − t0)K}",
    assumptions=("h > 0", "K ≥ 0", "n ≥ 0", "nh = b − t0"),
    source="the paper's (11)",
    verdict=Verdict.PROVED_FOR_EVERY_STEP,
)


def check() -> None:
    """1 + x ≤ e^x by the sign of a derivative, then powers."""
    x, t = sympy.symbols("x t", nonnegative=True)
    n = sympy.symbols("n", integer=True, nonnegative=True)
    difference = sympy.exp(x) - (1 + x)
    # d(0) = 0
    require_equal(difference.subs(x, 0), 0, "d(0) = 0")
    # d′ = e^x − 1, and e^x − 1 = ∫₀^x e^t dt is an integral of something positive
    slope = sympy.diff(difference, x)
    require_equal(slope, sympy.integrate(sympy.exp(t), (t, 0, x)), "d′(x) = ∫₀^x e^t dt")
    require(sympy.exp(t).is_positive, "e^t > 0")
    # so 0 < 1 + x ≤ e^x, and powers keep the order of positive numbers
    require((1 + x).is_positive, "1 + x > 0")
    require_equal(sympy.exp(x) ** n, sympy.exp(n * x), "(e^x)^n = e^{nx}")
