"""Refuted: for μ < 0 the bound over any grid holds without the factor e^{|μ|H}.

Statement (refuted).  E(T) ≤ e^{μT} v (exp(λ₀KT) − 1)/K, λ₀ = ℓ₀(H)/H, also where μ < 0.
Counterexample.       Euler's method on y′ = −Ky, one step h = H = T from y > 0, KT = x: the error is
                      (e^{−x} − 1 + x)y and μ = −K, v = Ky. At x = 1 it is between 1.54 and 1.55 times that bound; at
                      x = 1/10 more than 1.066 times.
Repaired.             λ₀e^{|μ|H} in the place of λ₀ (adaptive_affine_bound.v): on this example it holds for every x > 0.
"""

from fractions import Fraction

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import exponential_enclosure, require, require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement="E(T) ≤ e^{μT} v (exp(λ₀KT) − 1)/K with λ₀ = ℓ₀(H)/H for every μ, of either sign",
    assumptions=("the counterexample: Euler's method, y′ = −Ky, one step h = H = T, KT = 1 or 1/10",),
    source="theory, section 8; the repaired form is in proofs/coq/adaptive_affine_bound.v",
    verdict=Verdict.REFUTED,
)


def check() -> None:
    """Both sides on the example, at x = 1 and 1/10; then the repaired bound for all x."""
    x, y, lipschitz = sympy.symbols("x y K", positive=True)
    h = x / lipschitz
    error = sympy.exp(-lipschitz * h) * y - (y - h * lipschitz * y)
    require_equal(error, (sympy.exp(-x) - 1 + x) * y, "Euler's error")
    speed, mu = lipschitz * y, -lipschitz
    rate = lipschitz * h**2 / 2 / h  # ℓ₀(h)/h with κ_b = 1/2
    bound = sympy.exp(mu * h) * speed * (sympy.exp(rate * lipschitz * h) - 1) / lipschitz
    require_equal(bound, sympy.exp(-x) * (sympy.exp(x**2 / 2) - 1) * y, "the bound without e^{|μ|H}")
    # error/bound = (1 − e^x + xe^x)/(e^{x²/2} − 1)
    ratio = (1 + (x - 1) * sympy.exp(x)) / (sympy.exp(x**2 / 2) - 1)
    require_equal(error / bound, ratio, "how often the error exceeds it")
    low, high = exponential_enclosure(Fraction(1, 2))
    require_equal(ratio.subs(x, 1), 1 / (sympy.exp(sympy.Rational(1, 2)) - 1), "at x = 1")
    require(1 / (high - 1) > sympy.Rational(154, 100), "more than 1.54 times")
    require(1 / (low - 1) < sympy.Rational(155, 100), "less than 1.55 times")
    _, above = exponential_enclosure(Fraction(1, 10))
    _, square = exponential_enclosure(Fraction(1, 200))
    require((1 - sympy.Rational(9, 10) * above) / (square - 1) > sympy.Rational(1066, 1000), "x = 1/10: 1.066 times")
    _repaired()


def _repaired() -> None:
    # with e^{|μ|H} the bound over e^{−x}y is exp(x²e^x/2) − 1 ≥ x²e^x/2, the error 1 − e^x + xe^x = ∫₀^x se^s ds
    x, s, rest = sympy.symbols("x s r", nonnegative=True)
    require_equal(sympy.integrate(s * sympy.exp(s), (s, 0, x)), 1 + (x - 1) * sympy.exp(x), "the error as an integral")
    # se^s ≤ se^x on [0, x]: e^s = e^x − r
    require_at_most(s * (sympy.exp(x) - rest), s * sympy.exp(x), s * rest, "the integrand")
    require_equal(sympy.integrate(s * sympy.exp(x), (s, 0, x)), x**2 * sympy.exp(x) / 2, "so at most x²e^x/2")
    # and e^z − 1 ≥ z, since e^r > 0
    z, r = sympy.symbols("z r", nonnegative=True)
    require_equal(sympy.integrate(sympy.exp(s) - 1, (s, 0, z)), sympy.exp(z) - 1 - z, "e^z − 1 − z = ∫(e^s − 1) ds")
    require_equal(sympy.integrate(sympy.exp(r), (r, 0, s)), sympy.exp(s) - 1, "e^s − 1 = ∫e^r dr")
    require(sympy.exp(r).is_positive, "e^r > 0")
