"""SiLU's steepest slope, and where it is, enclosed exactly.

Statement.  σ(x) = x·s(x), s the sigmoid: σ″ vanishes at ±x* alone, x* > 0 the root of (x − 2)eˣ = x + 2, and all slopes
            lie in [1 − (x* + 2)/4, (x* + 2)/4]. `SILU_STEEPEST` is above the largest, by less than 10⁻¹², and
            x* is within the code's margin of `SILU_TURN`.
Proof.      Signs of derivatives; the exponential series at two rationals around the root.
"""

from fractions import Fraction
from typing import Any

import sympy

from natrob_theory.layers.silu import SILU_STEEPEST, SILU_TURN
from natrob_theory.numbers.rounding import EPSILON
from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import exponential_enclosure, rational, require, require_equal

CLAIM = Claim(
    statement="SiLU's slopes lie in [1 − m, m], m = (x* + 2)/4 ≤ SILU_STEEPEST, (x* − 2)e^{x*} = x* + 2",
    assumptions=("mean value theorem: secant slopes lie between the extremes of σ′",),
    source="natrob_theory/layers/silu.py",
    verdict=Verdict.PROVED,
)

x = sympy.symbols("x", real=True)


def check() -> None:
    """Where the slope turns, its value there, and the stored constants."""
    _shape()
    _maximum()


def _shape() -> None:
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


def _maximum() -> None:
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


def _exact(number: float) -> Any:
    """The rational number that a float64 is."""
    return rational(Fraction(number))
