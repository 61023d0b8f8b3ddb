"""Refuted: the constants of the bounds depend on K and not on the step size h.

Statement (refuted).  Over a given time the smallest c with ‖e_n‖ ≤ c‖ε‖ for Euler's method is the same for every h.
Counterexample.       K = T = 1: c is 2 at h = 1 and 9/4 at h = ½. c = (1 + hK)^{T/h} is a bound by (10), and f = Ky
                      attains it. K alone does not fix (11) either: for K = 1/100 its e^{KT} is e at T = 100, e⁵ at 500.
Proof.                f = y in fractions; (10) is discrete_bound.py.
"""

from fractions import Fraction

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_different, require_equal

CLAIM = Claim(
    statement="The constants c of (10), (11) depend on the Lipschitz constant K and not on the step size h",
    assumptions=("Euler's method", "the smallest c that serves all K-Lipschitz f over T = nh", "K = T = 1"),
    source="the paper's 5, of (10), (11); theory, section 2",
    verdict=Verdict.REFUTED,
)


def check() -> None:
    """f = Ky attains (10), and the two constants differ; so do those of two horizons."""
    h, constant, distance = sympy.symbols("h K d", positive=True)
    y = sympy.Symbol("y", real=True)
    stretched = (y + distance) + h * constant * (y + distance) - (y + h * constant * y)
    require_equal(stretched, (1 + h * constant) * distance, "a step on f = Ky grows every distance by 1 + hK")
    smallest = [(1 + 1 / Fraction(steps)) ** steps for steps in (1, 2)]
    require(smallest == [2, Fraction(9, 4)], "K = T = 1: 2 at h = 1, 9/4 at h = ½")
    require(smallest[0] < smallest[1], "2 < 9/4: no one constant is the smallest at both")
    near, far = (sympy.exp(sympy.Rational(1, 100) * time) for time in (100, 500))
    require_different(near, far, "K = 1/100: e at T = 100, e⁵ at T = 500")
