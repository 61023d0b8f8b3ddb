"""The certified radius in L∞ and L1: rows of the head's differences in the dual norm.

Statement.  Scores s_j = ⟨w_j, φ⟩ + b_j. With |Δφ_k| ≤ u_k‖δ‖_∞ the gap s_y − s_j changes by at most
            ⟨|w_y − w_j|, u⟩‖δ‖_∞ ≤ L_∞‖w_y − w_j‖₁‖δ‖_∞, L_∞ = max u_k. With Σ_k |w_y − w_j|_k|Δφ_k| ≤ c‖δ‖₁ it
            changes by at most c‖δ‖₁, and c ≤ L_1‖w_y − w_j‖_∞. So the label holds for every ‖δ‖ < (s_y − s_j)/C, C
            that constant.
            Also ‖δ‖₂ ≤ ‖δ‖₁ and ‖δ‖₂ ≤ √d‖δ‖_∞: a radius in L2 is one in L1, and over √d one in L∞.
Proof.      Term by term, as in Hölder's inequality.
"""

from typing import Any

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement="the label is kept for every ‖δ‖ < min_j (s_y − s_j)/C_j, C_j = ⟨|w_y − w_j|, u⟩ in L∞, likewise in L1",
    assumptions=("|Δφ_k| ≤ u_k‖δ‖_∞ for every k, in L1 Σ_k |w_y − w_j|_k|Δφ_k| ≤ C_j‖δ‖₁",),
    source="theory, section 6; natrob_empirical/certification/native_norms.py",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """The change of a gap, the label, and how the norms compare."""
    _gap()
    _label()
    _norms()


def _gap() -> None:
    weights, reaches = sympy.symbols("m_0:3", nonnegative=True), sympy.symbols("u_0:3", nonnegative=True)
    short, length = sympy.symbols("s_0:3", nonnegative=True), sympy.symbols("D", nonnegative=True)
    # |Δφ_k| = u_k D − s_k
    change: Any = sum(m * (u * length - s) for m, u, s in zip(weights, reaches, short, strict=True))
    constant: Any = sum(m * u for m, u in zip(weights, reaches, strict=True))
    left = sum(m * s for m, s in zip(weights, short, strict=True))
    require_at_most(change, constant * length, left, "the gap changes by at most ⟨|w|, u⟩‖δ‖_∞")
    # u_k = L − r_k
    largest, less = sympy.symbols("L", nonnegative=True), sympy.symbols("r_0:3", nonnegative=True)
    given = {u: largest - r for u, r in zip(reaches, less, strict=True)}
    rest = sum(m * r for m, r in zip(weights, less, strict=True))
    require_at_most(constant.subs(given), largest * sum(weights), rest, "⟨|w|, u⟩ ≤ L‖w‖₁")
    # L1: |w|_k = W − v_k and Σ|Δφ_k| = L D − t
    heaviest, lighter = sympy.symbols("W", nonnegative=True), sympy.symbols("v_0:3", nonnegative=True)
    moves = sympy.symbols("p_0:3", nonnegative=True)
    total = sum((heaviest - v) * p for v, p in zip(lighter, moves, strict=True))
    require_at_most(
        total, heaviest * sum(moves), sum(v * p for v, p in zip(lighter, moves, strict=True)), "⟨|w|, p⟩ ≤ ‖w‖_∞‖p‖₁"
    )


def _label() -> None:
    margin, constant = sympy.symbols("m C", positive=True)
    inside = sympy.symbols("r", positive=True)  # the radius less r
    left = margin - constant * (margin / constant - inside)
    require_equal(left, constant * inside, "what is left of the gap")
    require((constant * inside).is_positive, "s_y > s_j still")


def _norms() -> None:
    entries = sympy.symbols("a_0:3", nonnegative=True)
    cross = 2 * sum(entries[i] * entries[j] for i in range(3) for j in range(i))
    require_at_most(sum(a**2 for a in entries), sum(entries) ** 2, cross, "‖δ‖₂² ≤ ‖δ‖₁²")
    longest, short = sympy.symbols("E", nonnegative=True), sympy.symbols("s_0:3", nonnegative=True)
    # a_i = E − s_i ≥ 0: a_i² ≤ E², since E² − a_i² = s_i(E + a_i)
    for a, s in zip(entries, short, strict=True):
        require_equal(longest**2 - a**2, (s * (longest + a)).subs(s, longest - a), "E² − a²")
        require((s * (longest + a)).is_nonnegative, "a_i² ≤ E², so ‖δ‖₂² ≤ dE²")
