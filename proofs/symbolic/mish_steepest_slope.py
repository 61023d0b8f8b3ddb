"""Mish's least and steepest slopes, and where they are, enclosed exactly.

Statement.  σ(x) = x·tanh(log(1 + eˣ)). σ″ has exactly two roots x₋ < 0 < x₊: σ′ falls from 0 until x₋, rises until x₊
            and falls to 1. The stored turns are within the code's margin of them, and all slopes lie in
            [MISH_LEAST, MISH_STEEPEST], which no slope misses by more than 10⁻¹².
Proof.      With E = eˣ the sign of σ″ is that of P(E) − xQ(E), P > 0, Q with one positive root. P/Q falls on either
            side of it, so that P/Q − x has one root on each. Then exponential series at rationals around the roots.
"""

from fractions import Fraction
from typing import Any

import sympy

from natrob_theory.layers.mish import MISH_LEAST, MISH_STEEPEST, MISH_TURNS
from natrob_theory.numbers.rounding import EPSILON
from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import (
    count_roots,
    exponential_enclosure,
    rational,
    require,
    require_equal,
    require_positive_coefficients,
)

CLAIM = Claim(
    statement="Mish's slopes lie in [MISH_LEAST, MISH_STEEPEST]; its second derivative vanishes at MISH_TURNS alone",
    assumptions=(
        "mean value theorem: secant slopes lie between the extremes of σ′",
        "intermediate value theorem",
    ),
    source="natrob_theory/layers/mish.py",
    verdict=Verdict.PROVED,
)

x = sympy.symbols("x", real=True)
E = sympy.symbols("E", positive=True)
Q_OF_TANH = E**2 + 2 * E + 2
P = 2 * (E + 1) * Q_OF_TANH
Q = 2 * E**3 + 3 * E**2 - 2 * E - 2


def check() -> None:
    """The second derivative, its roots, and the values there."""
    _derivatives()
    _two_roots()
    _turns_and_extremes()


def _derivatives() -> None:
    # tanh(log(1 + E)) = ((1 + E)² − 1)/((1 + E)² + 1) = 1 − 2/q
    require_equal(((1 + E) ** 2 - 1) / ((1 + E) ** 2 + 1), 1 - 2 / Q_OF_TANH, "tanh(log(1 + E)) = 1 − 2/q")
    require_equal(1 - 2 / Q_OF_TANH, E * (E + 2) / Q_OF_TANH, "as the code has it")
    # d/dx = E·d/dE + ∂/∂x
    tanh = 1 - 2 / Q_OF_TANH
    slope = tanh + x * _along(tanh)
    require_equal(_along(tanh), 4 * E * (E + 1) / Q_OF_TANH**2, "t′ = 4E(E + 1)/q²")
    second = _along(slope) + sympy.diff(slope, x)
    require_equal(second, 4 * E / Q_OF_TANH**3 * (P - x * Q), "σ″ = (4E/q³)(P − xQ)")
    require_positive_coefficients(sympy.expand(P), E, "P > 0")
    require_equal(sympy.limit(slope.subs(E, sympy.exp(x)), x, sympy.oo), 1, "σ′ → 1")
    require_equal(sympy.limit(slope.subs(E, sympy.exp(x)), x, -sympy.oo), 0, "σ′ → 0 on the left")


def _along(expression: Any) -> Any:
    return E * sympy.diff(expression, E)


def _two_roots() -> None:
    require(count_roots(Q, E, 0, sympy.oo) == 1, "Q has one positive root E₀")
    require(Q.subs(E, 1) > 0, "Q(1) > 0, so E₀ < 1 and log E₀ < 0")
    require(Q.subs(E, 0) < 0, "Q < 0 below E₀")
    # P/Q falls where Q ≠ 0: P′Q − PQ′ < 0. So P/Q − x falls on either side of E₀
    falling = sympy.expand(-(sympy.diff(P, E) * Q - P * sympy.diff(Q, E)))
    require_positive_coefficients(falling, E, "P′Q − PQ′ < 0")
    # left of log E₀ it falls from +∞ to −∞, as P/Q → −2 for E → 0 and −∞ before E₀; right of it from +∞ to −∞, as
    # P/Q → 1 for E → ∞ and +∞ behind E₀: one root on each side. At E₀ itself P − xQ = P > 0
    require_equal((P / Q).subs(E, 0), -2, "P/Q → −2")
    require_equal(sympy.limit(P / Q, E, sympy.oo), 1, "P/Q → 1")
    # so P − xQ = Q(P/Q − x) is negative, positive, negative: σ′ falls, rises, falls. The right root is above 0, as
    # P/Q > 0 ≥ x for log E₀ < x ≤ 0; the left one below log E₀ < 0


def _turns_and_extremes() -> None:
    left, right = (_exact(turn) for turn in MISH_TURNS)
    least, steepest = _exact(MISH_LEAST), _exact(MISH_STEEPEST)
    width = sympy.Rational(1, 10**14)
    margin = 8 * _exact(EPSILON) * max(-left, right)
    for distance in (width, margin):
        require(_sign(left - distance) == -1, "σ″ < 0 before the left turn")
        require(_sign(left + distance) == 1, "σ″ > 0 behind it")
        require(_sign(right - distance) == 1, "σ″ > 0 before the right turn")
        require(_sign(right + distance) == -1, "σ″ < 0 behind it")
    close = sympy.Rational(1, 10**12)
    low, high = _slope(left - width, left + width)
    require(least <= low, "MISH_LEAST is at most σ′(x₋)")
    require(high - least < close, "and by less than 10⁻¹²")
    low, high = _slope(right - width, right + width)
    require(high <= steepest, "MISH_STEEPEST is at least σ′(x₊)")
    require(steepest - low < close, "and by less than 10⁻¹²")
    require(steepest > 1, "above the limit 1")
    require(least < 0, "below the limit 0")


def _sign(point: Any) -> int:
    """The sign of P(E) − xQ(E) at a rational, by the ends of an interval that holds E; 0 where it is not decided."""
    low, high = _exponential(point)
    # the positive and the negative part of Q, each of which rises with E
    rising, falling = 2 * E**3 + 3 * E**2, 2 * E + 2
    ends = (rising.subs(E, low) - falling.subs(E, high), rising.subs(E, high) - falling.subs(E, low))
    products = [point * end for end in ends]
    least, most = P.subs(E, low) - max(products), P.subs(E, high) - min(products)
    return 1 if least > 0 else -1 if most < 0 else 0


def _slope(start: Any, end: Any) -> tuple[Any, Any]:
    """Bounds of σ′ = t + x·t′ on [start, end], an interval that does not hold 0."""
    low, high = _exponential(start)[0], _exponential(end)[1]
    tanh = [(1 - 2 / Q_OF_TANH).subs(E, value) for value in (low, high)]  # rises with E
    top = 4 * E * (E + 1)
    slopes = (
        top.subs(E, low) / Q_OF_TANH.subs(E, high) ** 2,
        top.subs(E, high) / Q_OF_TANH.subs(E, low) ** 2,
    )
    products = [point * slope for point in (start, end) for slope in slopes]
    return tanh[0] + min(products), tanh[1] + max(products)


def _exponential(point: Any) -> tuple[Any, Any]:
    """Rationals around e^x for a rational x of either sign."""
    low, high = exponential_enclosure(abs(point))
    return (low, high) if point >= 0 else (1 / high, 1 / low)


def _exact(number: float) -> Any:
    """The rational number that a float64 is."""
    return rational(Fraction(number))
