"""κ_b is sharp under every method, and no method with s nodes is below 1/(4s).

Statement.  (1) For every tableau there is a field f = (1, w(y₁)) with Lipschitz constant K and ‖f(y)‖ = 1 whose local
            error is K h² κ_b exactly. So the bound's ratio to the error tends to 1 as x = hK → 0, and no smaller
            constant serves all Lipschitz fields. The stages attain their κ_i the same way, Fehlberg's last one too.
            (2) κ_b ≥ 1/(4s) where s nodes have a weight other than 0; the midpoint rule attains it.
Proof.      (1) y₁ = t along the flow and at all stages, so the second component is the quadrature of w. A zigzag w with
            slope −K sign(N(s/h)) makes −∫ N dw = K h² ∫|N|.
            (2) The first and the last interval, of lengths p and q, contribute p²/2 and q²/2, each of the s − 1 between
            them, of length l, at least l²/4; the lengths sum to 1.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import sympy

from natrob_theory import MIDPOINT
from natrob_theory.tableaus import TABLEAUS, ButcherTableau
from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import rational, require, require_equal
from proofs.symbolic.inner_products import require_at_most
from proofs.symbolic.quadrature_kernels import Piece, kernel_pieces, rationals, sign

CLAIM = Claim(
    statement="κ_b is attained by f = (1, w(y₁)) with a zigzag w, under every method; κ_b ≥ 1/(4s) with s nodes",
    assumptions=("K-Lipschitz autonomous fields in general", "nodes from 0 to 1", "h > 0"),
    source="theory, section 8",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """The zigzag of every row of every tableau, then the least constant of s nodes."""
    for tableau in TABLEAUS:
        constants = tableau.local_error_constants()
        _attained(tableau, tableau.b, Fraction(1), constants.weights)
        for row, node, constant in zip(tableau.a, tableau.c, constants.stages, strict=True):
            _attained(tableau, row, node, constant)
    _least_constant()


def _attained(tableau: ButcherTableau, weights: Sequence[Fraction], end: Fraction, constant: Fraction) -> None:
    """From y = (0, 0): the row's second component less the flow's is K h² κ, w and f evaluated exactly."""
    h, lipschitz = sympy.symbols("h K", positive=True)
    entries, nodes, target = rationals(weights), rationals(tableau.c), rational(end)
    pieces = kernel_pieces(entries, nodes, target, total=target)
    # the first component is y₁ + h Σ_j a_ij = c_i h at every stage, where the flow has t = c_i h
    for row, node in zip(tableau.a, tableau.c, strict=True):
        require_equal(h * sum(rationals(row)), rational(node) * h, f"{tableau.name}: stages keep step with the flow")
    numerical = h * sum(entry * _zigzag(pieces, node, h, lipschitz) for entry, node in zip(entries, nodes, strict=True))
    exact = _zigzag_integral(pieces, target, h, lipschitz)
    require_equal(numerical - exact, lipschitz * h**2 * rational(constant), f"{tableau.name}: the zigzag attains κ")
    # slopes ±K or 0 and w(0) = 0: K is the Lipschitz constant of f, and ‖f(y)‖ = ‖(1, 0)‖ = 1
    require(all(sign(piece) ** 2 <= 1 for piece in pieces), f"{tableau.name}: slopes are at most K")


def _zigzag(pieces: Sequence[Piece], moment: Any, h: Any, lipschitz: Any) -> Any:
    """w(h·moment) with w(0) = 0 and w′ = −K sign(N(s/h)), constant where N is 0 or no longer counts."""
    return (
        -lipschitz
        * h
        * sum(
            (sign(piece) * (min(moment, piece.stop) - piece.start) for piece in pieces if piece.start < moment),
            sympy.Integer(0),
        )
    )


def _zigzag_integral(pieces: Sequence[Piece], end: Any, h: Any, lipschitz: Any) -> Any:
    """∫₀^{h·end} w: trapezoids between the corners, which are exact for a piecewise linear w."""
    corners = sorted({sympy.Integer(0), end, *(piece.stop for piece in pieces if piece.stop < end)})
    heights = [_zigzag(pieces, corner, h, lipschitz) for corner in corners]
    return h * sum(
        (
            (stop - start) * (first + last) / 2
            for start, stop, first, last in zip(corners, corners[1:], heights, heights[1:], strict=False)
        ),
        sympy.Integer(0),
    )


def _least_constant() -> None:
    # an inner interval of length l: the level, seen from its left end, meets the line s at β. Inside, 0 ≤ β ≤ l, with
    # l = β + γ; outside, at l + β or −β
    beta, gamma, length, s = sympy.symbols("beta gamma l s", nonnegative=True)
    inside = sympy.integrate(beta - s, (s, 0, beta)) + sympy.integrate(s, (s, 0, gamma))
    require_at_most((beta + gamma) ** 2 / 4, inside, ((beta - gamma) / 2) ** 2, "∫|B − s| ≥ l²/4, level inside")
    outside = sympy.integrate(length + beta - s, (s, 0, length))
    require_at_most(length**2 / 4, outside, length**2 / 4 + beta * length, "∫|B − s| ≥ l²/4, level above or below")
    # the first interval, level 0 at s = 0, and the last, level 1 at s = 1
    require_equal(sympy.integrate(s, (s, 0, length)), length**2 / 2, "the first and the last interval: l²/2")
    # l²/w ≥ 2λl − λ²w with λ = 1/(4s): weights w = 2 at both ends and 4 in between sum to 4s
    weight, count = sympy.symbols("w n", positive=True)
    level = 1 / (4 * count)
    require_at_most(
        2 * level * length - level**2 * weight, length**2 / weight, (length - level * weight) ** 2 / weight, "tangent"
    )
    weights = 2 + 2 + 4 * (count - 1)
    require_equal(2 * level - level**2 * weights, 1 / (4 * count), "the lengths sum to 1: at least 1/(4s)")
    for tableau in TABLEAUS:
        nodes = {node for node, weight in zip(tableau.c, tableau.b, strict=True) if weight != 0}
        least = Fraction(1, 4 * len(nodes))
        require(tableau.local_error_constants().weights >= least, f"{tableau.name}: κ_b ≥ 1/(4s)")
    require(MIDPOINT.local_error_constants().weights == Fraction(1, 4), "the midpoint rule attains it, s = 1")
