"""GELU's steepest slope, at √2, enclosed exactly.

Statement.  σ(x) = xΦ(x): σ″ vanishes at ±√2 alone, and all slopes lie in [1 − m, m], m = ½(1 + erf 1) + e⁻¹/√π.
            `GELU_STEEPEST` is above m, by less than 10⁻¹².
Proof.      The sign of σ″; alternating series for erf 1 and e⁻¹ and Machin's formula for π, in rational arithmetic.
"""

from fractions import Fraction
from typing import Any

import sympy

from natrob_theory.layers.gelu import GELU_STEEPEST
from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import rational, require, require_equal

CLAIM = Claim(
    statement="GELU's slopes lie in [1 − m, m], m = Φ(√2) + √2φ(√2) = ½(1 + erf 1) + e⁻¹/√π ≤ GELU_STEEPEST",
    assumptions=("mean value theorem: secant slopes lie between the extremes of σ′",),
    source="natrob_theory/layers/gelu.py",
    verdict=Verdict.PROVED,
)

x = sympy.symbols("x", real=True)


def check() -> None:
    """Where the slope turns, its value there, and the stored constant."""
    _shape()
    _maximum()


def _shape() -> None:
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


def _maximum() -> None:
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


def _exact(number: float) -> Any:
    """The rational number that a float64 is."""
    return rational(Fraction(number))
