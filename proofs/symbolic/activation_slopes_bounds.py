"""The steepest slopes of the activations, among them SiLU's and GELU's, as exact enclosures.

Statement.  SiLU: σ″ vanishes at ±x* alone, x* > 0 the root of (x − 2)eˣ = x + 2; the slopes lie in
            [1 − (x* + 2)/4, (x* + 2)/4]. GELU: σ″ vanishes at ±√2 alone; the largest slope is
            ½(1 + erf 1) + e⁻¹/√π. The code's two constants are above these, by less than 10⁻¹².
            tanh, softsign, log-sigmoid, tanhshrink have slopes in [0, 1], sigmoid in [0, ¼], ELU between 0, 1 and α.
            A function that is linear on either side of a kink has secant slopes between its two slopes.
Proof.      Signs of derivatives; the exponential series and alternating series in rational arithmetic.
"""

from fractions import Fraction
from typing import Any

import sympy

from natrob_theory.activation_slopes import GELU_STEEPEST, SILU_STEEPEST, SILU_TURN
from natrob_theory.rounding import EPSILON
from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import exponential_enclosure, rational, require, require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement="the slope intervals of natrob_theory.activation_slopes on the whole line, and SiLU's and GELU's maxima",
    assumptions=("mean value theorem: secant slopes lie between the extremes of σ′",),
    source="theory, section 5; natrob_theory/activation_slopes.py, lipschitz/layer_rules.py",
    verdict=Verdict.PROVED,
)

x = sympy.symbols("x", real=True)


def check() -> None:
    """SiLU, GELU, then the activations with slopes in a fixed interval."""
    _silu_shape()
    _silu_maximum()
    _gelu_shape()
    _gelu_maximum()
    _bells()
    _kinks()


def _silu_shape() -> None:
    sigmoid = 1 / (1 + sympy.exp(-x))
    slope = sympy.diff(x * sigmoid, x)
    require_equal(slope, sigmoid * (1 + x * (1 - sigmoid)), "σ′ = s(1 + x(1 − s))")
    require_equal(slope + slope.subs(x, -x), 1, "σ′(x) + σ′(−x) = 1: the least slope is 1 less the largest")
    # for x > 0 the sign of σ″ is that of −φ(x), φ(x) = (x − 2)eˣ − (x + 2)
    phi = (x - 2) * sympy.exp(x) - (x + 2)
    positive = sympy.exp(x) / (1 + sympy.exp(x)) ** 3
    require(positive.is_positive, "eˣ/(1 + eˣ)³ > 0")
    require_equal(sympy.diff(slope, x), -positive * phi, "σ″ = −φ(x)·eˣ/(1 + eˣ)³")
    # φ(0) = −4, φ′(0) = −2 and φ″ = xeˣ > 0 for x > 0: φ falls, then rises for ever, so it has one root x* > 0
    require_equal(phi.subs(x, 0), -4, "φ(0) = −4")
    require_equal(sympy.diff(phi, x).subs(x, 0), -2, "φ′(0) = −2")
    forward = sympy.symbols("x", positive=True)
    require_equal(sympy.diff(phi, x, 2), x * sympy.exp(x), "φ″ = xeˣ")
    require((forward * sympy.exp(forward)).is_positive, "φ″ > 0 for x > 0")
    # there eˣ = (x + 2)/(x − 2), and the slope is rational in x*
    root = sympy.symbols("r", positive=True)
    exponential = (root + 2) / (root - 2)
    at_root = exponential / (1 + exponential)
    require_equal(at_root * (1 + root * (1 - at_root)), (root + 2) / 4, "σ′(x*) = (x* + 2)/4")
    # σ′ rises on (−x*, x*), from 1 − (x* + 2)/4, and tends to 1 < (x* + 2)/4 beyond x* as x* > 2: φ(2) = −4 < 0
    require_equal(phi.subs(x, 2), -4, "φ(2) < 0, so x* > 2")
    require_equal(sympy.limit(slope, x, sympy.oo), 1, "σ′ → 1")


def _silu_maximum() -> None:
    # x* within 10⁻¹³ of the stored turn, by the sign of φ at rationals
    turn, steepest = _exact(SILU_TURN), _exact(SILU_STEEPEST)
    width = sympy.Rational(1, 10**13)
    low, high = turn - width, turn + width
    # φ(low) < 0 from eˣ below its upper end (x − 2 > 0), φ(high) > 0 from above its lower end
    require(low > 2, "x − 2 > 0")
    require((low - 2) * exponential_enclosure(low)[1] - (low + 2) < 0, "φ < 0 below the turn")
    require((high - 2) * exponential_enclosure(high)[0] - (high + 2) > 0, "φ > 0 above the turn")
    require((high + 2) / 4 <= steepest, "(x* + 2)/4 ≤ SILU_STEEPEST")
    require(steepest - (low + 2) / 4 < sympy.Rational(1, 10**12), "and by less than 10⁻¹²")
    # the margin in which the code looks for the turn, 8u·x*, must hold the true root
    margin = 8 * _exact(EPSILON) * turn
    near, far = turn - margin, turn + margin
    require((near - 2) * exponential_enclosure(near)[1] - (near + 2) < 0, "x* > SILU_TURN − margin")
    require((far - 2) * exponential_enclosure(far)[0] - (far + 2) > 0, "x* < SILU_TURN + margin")


def _gelu_shape() -> None:
    density = sympy.exp(-(x**2) / 2) / sympy.sqrt(2 * sympy.pi)
    distribution = (1 + sympy.erf(x / sympy.sqrt(2))) / 2
    slope = sympy.diff(x * distribution, x)
    require_equal(slope, distribution + x * density, "σ′ = Φ + xφ")
    require_equal(slope + slope.subs(x, -x), 1, "σ′(x) + σ′(−x) = 1")
    # the sign of σ″ is that of 2 − x²: σ′ falls, rises on (−√2, √2), falls
    require(density.is_positive, "φ > 0")
    require_equal(sympy.diff(slope, x), density * (2 - x**2), "σ″ = φ(2 − x²)")
    require_equal(2 - x**2, (sympy.sqrt(2) - x) * (sympy.sqrt(2) + x), "2 − x² vanishes at ±√2 alone")
    require_equal(sympy.limit(slope, x, sympy.oo), 1, "σ′ → 1")
    peak = (1 + sympy.erf(1)) / 2 + sympy.exp(-1) / sympy.sqrt(sympy.pi)
    require_equal(slope.subs(x, sympy.sqrt(2)), peak, "σ′(√2) = ½(1 + erf 1) + e⁻¹/√π")


def _gelu_maximum() -> None:
    # √π(peak − ½) = Σ (−1)ⁿ/(n!(2n + 1)) + e⁻¹ = Σ (−1)ⁿ/n!·(1/(2n + 1) + 1): erf 1 by integrating e^{−t²}
    t = sympy.symbols("t", nonnegative=True)
    require_equal(sympy.integrate(sympy.exp(-(t**2)), (t, 0, 1)), sympy.sqrt(sympy.pi) * sympy.erf(1) / 2, "erf 1")
    n = sympy.symbols("n", integer=True, nonnegative=True)
    require_equal(sympy.integrate(t ** (2 * n), (t, 0, 1)), 1 / (2 * n + 1), "∫₀¹ t^{2n} dt")

    def term(index: int) -> Any:
        return sympy.Rational(1, sympy.factorial(index)) * (sympy.Rational(1, 2 * index + 1) + 1)

    low, high = _alternating(term, 24)
    pi_low, pi_high = _pi_enclosure()
    # peak ≤ P if and only if high² ≤ π(P − ½)²
    margin = _exact(GELU_STEEPEST) - sympy.Rational(1, 2)
    require(high**2 <= pi_low * margin**2, "peak ≤ GELU_STEEPEST")
    require(low**2 > pi_high * (margin - sympy.Rational(1, 10**12)) ** 2, "and by less than 10⁻¹²")
    require(margin > sympy.Rational(1, 2), "peak > 1, the limit of σ′")


def _alternating(term: Any, last: int) -> tuple[Any, Any]:
    """Σ (−1)ⁿ term(n) between two of its partial sums (Leibniz): the terms here are products of falling factors."""
    partial = [sympy.Integer(0)]
    for index in range(last + 1):
        require(term(index) > term(index + 1), "the terms fall")
        partial.append(partial[-1] + (-1) ** index * term(index))
    return min(partial[-2:]), max(partial[-2:])


def _pi_enclosure() -> tuple[Any, Any]:
    """π/4 = 4 arctan ⅕ − arctan 1/239 (Machin): (5 + i)⁴(239 − i) has the argument of 1 + i."""
    product = sympy.expand((5 + sympy.I) ** 4 * (239 - sympy.I))
    require_equal(product, 114244 * (1 + sympy.I), "Machin's formula")
    # 0 < 4 arctan ⅕ − arctan 1/239 < 4/5 < π/2, so no multiple of 2π is lost

    def arctan(inverse: int) -> tuple[Any, Any]:
        return _alternating(lambda n: sympy.Rational(1, (2 * n + 1) * inverse ** (2 * n + 1)), 16)

    fifth, small = arctan(5), arctan(239)
    return 4 * (4 * fifth[0] - small[1]), 4 * (4 * fifth[1] - small[0])


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


def _exact(number: float) -> Any:
    """The rational number that a float64 is."""
    return rational(Fraction(number))
