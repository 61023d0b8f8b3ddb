"""The slopes of the activations with elementary derivatives, on the whole line and across kinks.

Statement.  tanh, softsign, log-sigmoid and tanhshrink have slopes in [0, 1], sigmoid in [0, ¼], ELU between 0, 1 and
            α, CELU (α > 0) in [0, 1]. A function that is linear on either side of a kink (ReLU, leaky ReLU, hardtanh,
            ReLU6) has secant slopes between its two slopes. |tanh′|, s′ and softsign′ fall with |x|.
Proof.      Derivatives, with their signs; a secant across a kink is a mixture.
"""

from typing import Any

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement="slopes in [0, 1]: tanh, softsign, log-sigmoid, tanhshrink, CELU, ReLU, hardtanh; in [0, ¼]: sigmoid",
    assumptions=("mean value theorem: secant slopes lie between the extremes of σ′",),
    source="theory, section 5; natrob_theory/layers/activation.py and the files of the activations beside it",
    verdict=Verdict.PROVED,
)

x = sympy.symbols("x", real=True)


def check() -> None:
    """Smooth activations, those that fall with |x|, then kinks."""
    _bells()
    _falling()
    _kinks()


def _bells() -> None:
    hyperbolic = sympy.symbols("u", real=True)  # tanh x, whose derivative is 1 − tanh²
    require_equal(sympy.diff(sympy.tanh(x), x), 1 - sympy.tanh(x) ** 2, "tanh′ = 1 − tanh²")
    require_at_most(1 - hyperbolic**2, 1, hyperbolic**2, "tanh′ ≤ 1")
    exponential_form: Any = 4 / (sympy.exp(x) + sympy.exp(-x)) ** 2
    require_equal((1 - sympy.tanh(x) ** 2).rewrite(sympy.exp), exponential_form, "tanh′ = 4/(eˣ + e⁻ˣ)²")
    require(exponential_form.is_positive, "tanh′ > 0")
    require_equal(sympy.diff(x - sympy.tanh(x), x), sympy.tanh(x) ** 2, "tanhshrink′ = tanh² = 1 − tanh′")
    sigmoid = 1 / (1 + sympy.exp(-x))
    slope = sympy.diff(sigmoid, x)
    require_equal(slope, sigmoid * (1 - sigmoid), "s′ = s(1 − s)")
    require(slope.is_positive, "s′ > 0")
    value = sympy.symbols("s", real=True)
    require_at_most(value * (1 - value), sympy.Rational(1, 4), (value - sympy.Rational(1, 2)) ** 2, "s(1 − s) ≤ ¼")
    log_slope = sympy.diff(sympy.log(sigmoid), x)
    require_equal(log_slope, 1 / (1 + sympy.exp(x)), "log-sigmoid′ = 1/(1 + eˣ)")
    require((1 / (1 + sympy.exp(x))).is_positive, "log-sigmoid′ > 0")
    require_at_most(log_slope, 1, sympy.exp(x) / (1 + sympy.exp(x)), "log-sigmoid′ ≤ 1")
    # softsign x/(1 + |x|) on either side of 0, size a = |x|
    a = sympy.symbols("a", positive=True)
    soft = sympy.diff(a / (1 + a), a)
    require_equal(soft, (1 + a) ** -2, "softsign′ = (1 + |x|)⁻²")
    require_at_most(soft, 1, (2 * a + a**2) / (1 + a) ** 2, "softsign′ ≤ 1")


def _falling() -> None:
    # a = |x| > 0: each derivative's own derivative there is negative, and each is even
    a = sympy.symbols("a", positive=True)
    bells = (
        (1 - sympy.tanh(x) ** 2, 2 * sympy.tanh(a) * (1 - sympy.tanh(a) ** 2)),
        (1 / ((1 + sympy.exp(-x)) * (1 + sympy.exp(x))), (sympy.exp(a) - 1) * sympy.exp(a) / (1 + sympy.exp(a)) ** 3),
    )
    for bell, fall in bells:
        require_equal(bell.subs(x, -x), bell, "even")
        require_equal(-sympy.diff(bell, x).subs(x, a), fall, "the rate at which it falls")
    # tanh a = (e^a − e^{−a})/(e^a + e^{−a}) and e^a − 1 are positive: both are integrals of something positive
    t = sympy.symbols("t", nonnegative=True)
    require_equal(sympy.integrate(sympy.exp(t), (t, 0, a)), sympy.exp(a) - 1, "e^a − 1 = ∫₀^a e^t dt")
    doubled = sympy.integrate(sympy.exp(t) + sympy.exp(-t), (t, 0, a))
    require_equal(doubled, sympy.exp(a) - sympy.exp(-a), "e^a − e^{−a} = ∫₀^a (e^t + e^{−t}) dt")
    require((sympy.exp(t) + sympy.exp(-t)).is_positive, "e^t + e^{−t} > 0")
    require_equal(sympy.tanh(a).rewrite(sympy.exp), doubled / (sympy.exp(a) + sympy.exp(-a)), "tanh a")
    soft = -sympy.diff((1 + a) ** -2, a)
    require_equal(soft, 2 / (1 + a) ** 3, "softsign′ falls at the rate 2/(1 + a)³")
    require((2 / (1 + a) ** 3).is_positive, "which is positive")


def _kinks() -> None:
    # slopes p left of 0 and q right of it: the secant from −a to b is a mixture (ReLU, leaky ReLU, hardtanh, ReLU6)
    a, b = sympy.symbols("a b", positive=True)
    p, q = sympy.symbols("p q", real=True)
    secant = (q * b - p * (-a)) / (b + a)
    require_equal(secant, a / (a + b) * p + b / (a + b) * q, "a mixture of p and q")
    require_equal(a / (a + b) + b / (a + b), 1, "with weights of sum 1")
    require((a / (a + b)).is_positive, "and each of them positive")
    # for x = −a < 0 ELU α(e^{−a} − 1) has the slope αe^{−a}, between 0 and α, and CELU α(e^{x/α} − 1) e^{x/α} < 1
    alpha, rate = sympy.symbols("alpha", real=True), sympy.symbols("r", positive=True)
    require_equal(sympy.diff(alpha * (sympy.exp(x) - 1), x), alpha * sympy.exp(x), "ELU′ = αeˣ for x < 0")
    require_equal(sympy.diff((sympy.exp(rate * x) - 1) / rate, x), sympy.exp(rate * x), "CELU′ = e^{x/α}, r = 1/α")
    # 0 < e^{−a} < 1, as e^a = 1 + ∫₀^a e^t dt
    t = sympy.symbols("t", nonnegative=True)
    require_equal(sympy.exp(a), 1 + sympy.integrate(sympy.exp(t), (t, 0, a)), "e^a = 1 + ∫₀^a e^t dt > 1")
    require((1 / sympy.exp(a)).is_positive, "e^{−a} > 0")
