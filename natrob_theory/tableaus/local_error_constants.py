"""κ of a Runge–Kutta method: how far one step can miss the flow of a field that is Lipschitz and no more.

A row of weights w at the nodes c_j replaces ∫₀^c g(s) ds by Σ_j w_j g(c_j). With B(s) = Σ_{c_j ≤ s} w_j the difference
is ∫ (min(s, c) − B(s)) dg(s), at most Lip(g)·κ with κ = ∫₀^M |B(s) − min(s, c)| ds, M = max(c, max{c_j : w_j ≠ 0}).
Nodes need not increase, and weights may be negative.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import pairwise

ZERO = Fraction(0)


@dataclass(frozen=True, kw_only=True)
class LocalErrorConstants:
    """κ of every row of a tableau, exact.

    Attributes:
        stages: κ_i of each row of A, with c_i as its end.
        weights: κ_b, with 1 as its end.
        difference: κ_d of d = b − b_embedded, whose sum is 0; None where the tableau has no pair.
        reach: the latest node that a step uses, at least 1: the flow is looked at until then, in units of h.
    """

    stages: tuple[Fraction, ...]
    weights: Fraction
    difference: Fraction | None
    reach: Fraction


@cache
def kappa(weights: tuple[Fraction, ...], nodes: tuple[Fraction, ...], end: Fraction) -> Fraction:
    """∫₀^M |B(s) − min(s, end)| ds: between two breaks B is constant, and min(s, end) is linear.

    Args:
        weights: w_j.
        nodes: c_j ≥ 0, in any order, equal ones too.
        end: Σ w_j for a rule that is exact for constants; 0 for the difference of two rules.

    Source: theory, section 8.
    """
    used = [(node, weight) for node, weight in zip(nodes, weights, strict=True) if weight != 0]
    breaks = sorted({ZERO, end, *(node for node, _ in used)})
    total = ZERO
    for start, stop in pairwise(breaks):
        height = sum((weight for node, weight in used if node <= start), ZERO)
        total += _area(height - min(start, end), height - min(stop, end), stop - start)
    return total


@cache
def error_polynomial(
    a: tuple[tuple[Fraction, ...], ...], weights: tuple[Fraction, ...], kappas: tuple[Fraction, ...], first: Fraction
) -> tuple[Fraction, ...]:
    """Coefficients of κ + x|w|ᵀ(I − x|A|)⁻¹κ_stages in ascending powers of x = hK, trailing zeros dropped.

    A is strictly lower triangular, so the inverse is a finite sum of powers.

    Args:
        a: A.
        weights: w.
        kappas: κ_i of the rows of A.
        first: κ of w.
    """
    coefficients = [first]
    row = [abs(weight) for weight in weights]
    for _ in row:
        coefficients.append(sum((entry * value for entry, value in zip(row, kappas, strict=True)), ZERO))
        row = [sum((entry * abs(line[j]) for entry, line in zip(row, a, strict=True)), ZERO) for j in range(len(row))]
    while len(coefficients) > 1 and coefficients[-1] == 0:
        coefficients.pop()
    return tuple(coefficients)


def _area(first: Fraction, last: Fraction, width: Fraction) -> Fraction:
    """∫ |linear function| over an interval from its values at both ends; where the sign changes, two triangles."""
    if first * last >= 0:
        return width * abs(first + last) / 2
    return width * (first * first + last * last) / (2 * (abs(first) + abs(last)))
