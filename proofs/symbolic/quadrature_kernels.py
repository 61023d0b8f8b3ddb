"""Peano kernels of quadratures on Lipschitz functions, integrated exactly.

For weights w_j at nodes c_j ≥ 0 and an end c, with B(s) = Σ_{c_j ≤ s} w_j and Σ w_j = c,
Σ w_j g(c_j) − ∫₀^c g = −∫₀^M (B(s) − min(s, c)) dg(s), M = max(c, max c_j): at most Lip(g)·∫|B(s) − min(s, c)| ds.
Nothing here is taken from natrob_theory but the coefficients.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

import sympy

from proofs.symbolic.exact_steps import rational, require

MOMENT = sympy.Symbol("s", real=True)


class Piece(NamedTuple):
    """A polynomial in `MOMENT` on an interval, without a change of sign inside."""

    start: Any
    stop: Any
    kernel: Any


def rationals(numbers: Sequence[Fraction]) -> list[Any]:
    """Fractions as sympy's rationals."""
    return [rational(number) for number in numbers]


def kernel_pieces(weights: Sequence[Any], nodes: Sequence[Any], end: Any, *, total: Any) -> list[Piece]:
    """B(s) − min(s, end) on the intervals where it is one linear function of one sign.

    Args:
        weights, nodes: the rule; nodes may come in any order.
        end: c, at which the integral ends.
        total: Σ w_j: c for a quadrature, 0 for the difference of two; then nothing is subtracted.
    """
    require(sum(weights) == total, "the weights sum to what the rule needs")
    require(all(node >= 0 for node in nodes), "the nodes are at least 0")
    last = max([end, *(node for node, weight in zip(nodes, weights, strict=True) if weight != 0)])
    breaks = sorted({sympy.Integer(0), end, *(node for node in nodes if node <= last)})
    pieces = []
    for start, stop in pairwise(breaks):
        level = sum((weight for weight, node in zip(weights, nodes, strict=True) if node <= start), sympy.Integer(0))
        kernel = level if total == 0 else level - (MOMENT if stop <= end else end)
        pieces += split_at_roots(Piece(start, stop, sympy.sympify(kernel)))
    return pieces


def split_at_roots(piece: Piece) -> list[Piece]:
    """The piece cut where its kernel, a polynomial of degree at most 1, changes its sign."""
    slope, height = piece.kernel.coeff(MOMENT, 1), piece.kernel.coeff(MOMENT, 0)
    require(sympy.expand(slope * MOMENT + height - piece.kernel) == 0, "the kernel is linear")
    roots = [] if slope == 0 else [-height / slope]
    cuts = [piece.start, *(root for root in roots if piece.start < root < piece.stop), piece.stop]
    return [Piece(start, stop, piece.kernel) for start, stop in pairwise(cuts)]


def integral(polynomial: Any, start: Any, stop: Any) -> Any:
    """∫ of a polynomial in `MOMENT`, by its antiderivative."""
    antiderivative: Any = sympy.Poly(polynomial, MOMENT).integrate()
    return antiderivative.eval(stop) - antiderivative.eval(start)


def area(pieces: Sequence[Piece]) -> Any:
    """∫ |kernel|: the sign on a piece is that at its middle."""
    return sum((sign(piece) * integral(piece.kernel, piece.start, piece.stop) for piece in pieces), sympy.Integer(0))


def sign(piece: Piece) -> Any:
    """+1, −1 or 0."""
    return sympy.sign(piece.kernel.subs(MOMENT, (piece.start + piece.stop) / 2))


def against_derivative(pieces: Sequence[Piece], derivative: Any) -> Any:
    """−∫ kernel(s) g′(s) ds for a polynomial g′ in `MOMENT`."""
    return -sum((integral(piece.kernel * derivative, piece.start, piece.stop) for piece in pieces), sympy.Integer(0))
