"""The local error from affine part and remainder, with kernels for every power of A: no stage distances S are needed.

Statement.  As in affine_part_and_remainder.py, but
            ‖Ψ_h(y) − φ_h(y)‖ ≤ v h η(a) + K_ρ v e^{μ⁺h} h² Σ_{m≥0} a^m κ^{(m)} + h K_ρ |b|ᵀ(I − a|𝒜|)⁻¹E,
            κ^{(m)} = ∫₀¹ |Σ_{c_j > s} (bᵀ𝒜^m)_j − (1 − s)^{m+1}/(m + 1)!| ds; κ^{(0)} = κ_b, and 1/(m + 2)! from
            m = stages on.
            E obeys the same with row i for b and c_i for 1:
            E ≤ v h η⃗(a) + K_ρ v e^{μ⁺h} h² Σ_m a^m κ⃗^{(m)} + h K_ρ |𝒜|(I − a|𝒜|)⁻¹E,
            η_i(a) = Σ_{m≥1} a^m |(𝒜^{m+1}𝟙)_i − c_i^{m+1}/(m + 1)!|.
Proof.      The forcing r(s) = ρ(φ_s(y)) is 0 at s = 0, so a rule β on r(c_j h) and ∫₀^c (c − s)^m/m! r(hs) ds differ by
            ∫ (Σ_{c_j > s} β_j − (c − s)₊^{m+1}/(m + 1)!) dr(hs), whatever the sum of β: checked on the powers s^n,
            n ≥ 1, which with r(0) = 0 are dense. Stage i's distance from y is
            h Σ_m (hA)^m (𝒜^{m+1}(𝟙f(y) + r̂))_i, the flow's is
            Σ_m A^m ∫₀^{c_i h} (c_i h − s)^m/m! (f(y) + r(s)) ds. ‖r̂_j − r(c_j h)‖ ≤ K_ρ E_j carries the rest.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import factorial
from typing import Any

import sympy

from natrob_theory.tableaus import TABLEAUS, ButcherTableau
from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import rational, require, require_equal
from proofs.symbolic.quadrature_kernels import MOMENT, area, integral, kernel_pieces, rationals

CLAIM = Claim(
    statement=(
        "‖Ψ_h(y) − φ_h(y)‖ ≤ v h η(a) + K_ρ v e^{μ⁺h} h² Σ_m a^m κ^{(m)} + h K_ρ |b|ᵀ(I − a|𝒜|)⁻¹E, and E by "
        "the same for the rows of 𝒜"
    ),
    assumptions=("those of affine_part_and_remainder.py",),
    source="theory, section 8, sharpened",
    verdict=Verdict.PROVED,
)

POWERS = range(1, 6)


def check() -> None:
    """The kernel identities of weights and rows, and what the kernels become beyond the stages."""
    for tableau in TABLEAUS:
        weights, one = rationals(tableau.b), sympy.Integer(1)
        for m in range(tableau.stages + 2):
            _kernel_identity(tableau, weights, one, m)
            if m >= tableau.stages:
                require(all(weight == 0 for weight in weights), f"{tableau.name}: bᵀ𝒜^m = 0")
            weights = times_matrix(weights, tableau)
        for row, node in zip(tableau.a, tableau.c, strict=True):
            entries = rationals(row)
            for m in range(3):
                _kernel_identity(tableau, entries, rational(node), m)
                entries = times_matrix(entries, tableau)
        _first_kernel_is_the_quadrature(tableau)
    # without weights the kernel is −(1 − s)^{m+1}/(m + 1)!, of area 1/(m + 2)!
    for m in range(6):
        kernel = (1 - MOMENT) ** (m + 1) / factorial(m + 1)
        require_equal(integral(kernel, 0, 1), sympy.Rational(1, factorial(m + 2)), "the area beyond the stages")


def times_matrix(row: Sequence[Any], tableau: ButcherTableau) -> list[Any]:
    """rowᵀ𝒜."""
    return [
        sum((entry * rational(line[j]) for entry, line in zip(row, tableau.a, strict=True)), sympy.Integer(0))
        for j in range(tableau.stages)
    ]


def higher_pieces(weights: Sequence[Any], nodes: Sequence[Any], end: Any, m: int) -> list[tuple[Any, Any, Any]]:
    """(start, stop, Σ_{c_j > s} β_j − (end − s)₊^{m+1}/(m + 1)!) between the breaks."""
    breaks = sorted({sympy.Integer(0), end, *nodes})
    found = []
    for start, stop in pairwise(breaks):
        level = sum((beta for beta, node in zip(weights, nodes, strict=True) if node > start), sympy.Integer(0))
        rest = (end - MOMENT) ** (m + 1) / factorial(m + 1) if stop <= end else sympy.Integer(0)
        found.append((start, stop, level - rest))
    return found


def _kernel_identity(tableau: ButcherTableau, weights: Sequence[Any], end: Any, m: int) -> None:
    nodes = rationals(tableau.c)
    pieces = higher_pieces(weights, nodes, end, m)
    for power in POWERS:
        rule = sum((beta * node**power for beta, node in zip(weights, nodes, strict=True)), sympy.Integer(0))
        exact = integral((end - MOMENT) ** m / factorial(m) * MOMENT**power, 0, end)
        by_kernel = sum(
            (integral(kernel * power * MOMENT ** (power - 1), start, stop) for start, stop, kernel in pieces),
            sympy.Integer(0),
        )
        require_equal(rule - exact, by_kernel, f"{tableau.name}: the kernel at A^{m} on s^{power}")


def _first_kernel_is_the_quadrature(tableau: ButcherTableau) -> None:
    # Σ_{c_j > s} b_j − (1 − s) = s − B(s), since Σb = 1: of the same area
    weights, nodes, one = rationals(tableau.b), rationals(tableau.c), sympy.Integer(1)
    first = sympy.Integer(0)
    for piece in kernel_pieces(weights, nodes, one, total=one):
        middle = (piece.start + piece.stop) / 2
        level = sum((beta for beta, node in zip(weights, nodes, strict=True) if node > piece.start), sympy.Integer(0))
        require_equal(level - (1 - MOMENT), -piece.kernel, f"{tableau.name}: κ^{{(0)}} has the kernel of κ_b")
        first += sympy.sign(piece.kernel.subs(MOMENT, middle)) * integral(piece.kernel, piece.start, piece.stop)
    require_equal(first, area(kernel_pieces(weights, nodes, one, total=one)), f"{tableau.name}: κ^{{(0)}} = κ_b")
