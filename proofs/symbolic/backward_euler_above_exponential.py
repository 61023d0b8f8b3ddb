"""Backward Euler's G(x) = 1/(1 − x) is above e^x on all of (0, 1): there is no crossing.

Statement.  1/(1 − x) > e^x for 0 < x < 1. Since f = Ky attains it, e^{TK} is no bound for backward Euler at any step.
Proof.      q(x) = (1 − x)e^x has q(0) = 1 and q′(x) = −x e^x < 0, so 0 < q(x) < 1 on (0, 1).
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal

CLAIM = Claim(
    statement="1/(1 − x) > e^x for every x in (0, 1)",
    assumptions=("x = hK",),
    source="theory, sections 1 and 2",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """The sign of a derivative, then the reciprocal of something between 0 and 1."""
    x = sympy.symbols("x", positive=True)
    product = (1 - x) * sympy.exp(x)
    require_equal(product.subs(x, 0), 1, "q(0) = 1")
    slope = sympy.diff(product, x)
    require_equal(slope, -x * sympy.exp(x), "q′ = −x e^x")
    require((-x * sympy.exp(x)).is_negative, "q falls for x > 0")
    # x = 1 − d with 0 < d ≤ 1: q = d e^{1 − d} > 0, so 1/(1 − x) = e^x/q
    d = sympy.symbols("d", positive=True)
    require(product.subs(x, 1 - d).is_positive, "q > 0 for x < 1")
    require_equal(1 / (1 - x), sympy.exp(x) / product, "1/(1 − x) = e^x/q(x)")
    # 0 < q < 1, say q = 1/(1 + r) with r > 0, leaves e^x/q − e^x = r e^x > 0
    r = sympy.symbols("r", positive=True)
    q = 1 / (1 + r)
    require_equal(sympy.exp(x) / q - sympy.exp(x), r * sympy.exp(x), "the excess")
    require((r * sympy.exp(x)).is_positive, "the excess is positive")
