"""Softplus and SELU: their slopes, and the jump of softplus as it is computed.

Statement.  1. log(1 + e^{βx})/β, β > 0, has the slope s(βx), s the sigmoid: it rises, from 0 to 1.
            2. Beyond βx = T the computed function is x, which is less by log(1 + e^{−βx})/β ≤ log(1 + e^{−T})/β.
            3. SELU has the slopes λ above 0 and λαeˣ, between 0 and λα, below; α > 1, so none is above λα.
Proof.      Derivatives with their signs.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement="softplus: slopes s(βx) in [0, 1], and a jump of at most log(1 + e^{−T})/β; SELU: slopes in [0, λα]",
    assumptions=("mean value theorem: secant slopes lie between the extremes of σ′", "β > 0"),
    source="natrob_theory/layers/softplus.py, selu.py",
    verdict=Verdict.PROVED,
)

x = sympy.symbols("x", real=True)


def check() -> None:
    """Softplus, its jump, SELU."""
    beta = sympy.symbols("beta", positive=True)
    slope = sympy.diff(sympy.log(1 + sympy.exp(beta * x)) / beta, x)
    sigmoid = 1 / (1 + sympy.exp(-beta * x))
    require_equal(slope, sigmoid, "softplus′ = s(βx)")
    require(sigmoid.is_positive, "s > 0")
    require_at_most(sigmoid, 1, sympy.exp(-beta * x) / (1 + sympy.exp(-beta * x)), "s ≤ 1")
    rise = beta * sympy.exp(-beta * x) / (1 + sympy.exp(-beta * x)) ** 2
    require_equal(sympy.diff(sigmoid, x), rise, "the rate at which it rises")
    require(rise.is_positive, "which is positive")
    # log(1 + e^z) − z = log(1 + e^{−z}): their exponentials agree. It falls with z
    z = sympy.symbols("z", real=True)
    require_equal((1 + sympy.exp(z)) * sympy.exp(-z), 1 + sympy.exp(-z), "log(1 + e^z) − z = log(1 + e^{−z})")
    fall = sympy.exp(-z) / (1 + sympy.exp(-z))
    require_equal(-sympy.diff(sympy.log(1 + sympy.exp(-z)), z), fall, "the rate at which the jump falls")
    require(fall.is_positive, "which is positive")
    # the same as the enclosure in balls writes it: log(1 + e^z) = max(z, 0) + log(1 + e^{−|z|}), for z ≥ 0 by the above
    alpha, scale, a = sympy.symbols("alpha lambda a", positive=True)
    below = sympy.diff(scale * alpha * (sympy.exp(x) - 1), x)
    require_equal(below, scale * alpha * sympy.exp(x), "SELU′ = λαeˣ below 0")
    # x = −a: e^{−a} = 1/(1 + ∫₀^a e^t dt) < 1
    t = sympy.symbols("t", nonnegative=True)
    grown = sympy.integrate(sympy.exp(t), (t, 0, a))
    require_equal(1 - sympy.exp(-a), grown * sympy.exp(-a), "1 − e^{−a} = e^{−a}·∫₀^a e^t dt ≥ 0")
    require(sympy.exp(t).is_positive, "e^t > 0")
