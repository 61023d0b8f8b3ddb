"""Refuted: a large step such as h = 1 destroys the bound that small steps have.

Statement (refuted).  At the same K and the same T the bound of (10) and (11) is lost, or is worse, at h = 1.
Counterexample.       K = T = 1: the factor (1 + hK)^{T/h} is 2 at h = 1, 9/4 at h = ½, above 2.59 at h = 1/10, and
                      e = 2.718… is above them all. The largest step has the smallest bound.
In general.           For K > 0 and T > 0 the factor is exp(KT·g(hK)) with g(x) = ln(1 + x)/x, and g is strictly
                      decreasing with values below 1. So the factor strictly decreases in h and stays below e^{KT}.
Proof.                g(x) = ∫₀¹ ds/(1 + sx), whose integrand decreases in x and is below 1 for s > 0.

What can get worse with h is the growth of a *contracting* field, which K alone does not see.
"""

from fractions import Fraction
from typing import Any

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import exponential_enclosure, require, require_equal

CLAIM = Claim(
    statement="The bound (10), (11) needs small steps: at h = 1 it is lost, or worse than at smaller h",
    assumptions=("K > 0 and T = nh > 0 are the same for both step sizes", "Euler's method"),
    source="the paper's reading of (10) and (11); theory, section 2",
    verdict=Verdict.REFUTED,
)

h, K, T, s, x = sympy.symbols("h K T s x", positive=True)


def check() -> None:
    """The factor as an exponential, the sign of its exponent's derivative, and the counterexample in fractions."""
    _exponent_as_an_integral()
    _decreasing_and_below_the_exponential()
    _counterexample()


def _exponent_as_an_integral() -> None:
    """(1 + hK)^{T/h} = exp(KT·g(hK)) with g(x) = ln(1 + x)/x = ∫₀¹ ds/(1 + sx)."""
    factor = (1 + h * K) ** (T / h)
    exponent = K * T * sympy.log(1 + h * K) / (h * K)
    require_equal(sympy.expand_log(sympy.log(factor), force=True), exponent, "ln (1 + hK)^{T/h} = KT ln(1 + hK)/(hK)")
    # s ↦ ln(1 + sx)/x is an antiderivative of 1/(1 + sx)
    antiderivative = sympy.log(1 + s * x) / x
    require_equal(sympy.diff(antiderivative, s), 1 / (1 + s * x), "d/ds ln(1 + sx)/x = 1/(1 + sx)")
    ends: Any = antiderivative.subs(s, 1) - antiderivative.subs(s, 0)
    require_equal(ends, sympy.log(1 + x) / x, "∫₀¹ ds/(1 + sx) = ln(1 + x)/x")


def _decreasing_and_below_the_exponential() -> None:
    """For 0 < s ≤ 1 and x > 0 the integrand decreases in x and is below 1, and an integral keeps both."""
    integrand = 1 / (1 + s * x)
    slope = sympy.diff(integrand, x)
    require_equal(slope, -s / (1 + s * x) ** 2, "d/dx 1/(1 + sx) = −s/(1 + sx)²")
    require((-s / (1 + s * x) ** 2).is_negative, "g′ < 0: a larger step has a smaller factor")
    require_equal(1 - integrand, s * x / (1 + s * x), "1 − 1/(1 + sx) = sx/(1 + sx)")
    require((s * x / (1 + s * x)).is_positive, "g < 1: every factor is below e^{KT}")


def _counterexample() -> None:
    """K = T = 1."""
    factors = [(1 + Fraction(1, steps)) ** steps for steps in (1, 2, 10)]  # h = 1, ½, 1/10
    require(factors[0] == 2 and factors[1] == Fraction(9, 4), "the factors at h = 1 and h = ½ are 2 and 9/4")
    require(factors[0] < factors[1] < Fraction(259, 100) < factors[2], "smaller steps have larger factors")
    below, _ = exponential_enclosure(Fraction(1))
    require(factors[2] < below, "and e is above them")
