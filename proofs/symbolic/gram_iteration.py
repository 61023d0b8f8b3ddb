"""Gram iteration: ‖W‖₂ ≤ ‖(WᵀW)^{2^{k−1}}‖_F^{2^{−k}}, too large by the factor n^{2^{−k−1}} at most.

Statement.  G₀ = W, G_{j+1} = G_j*G_j: ‖G_k‖₂ = ‖W‖₂^{2^k} ≤ ‖G_k‖_F ≤ √n·‖W‖₂^{2^k}. With computed products,
            ‖H − G*G‖_F ≤ γ‖G‖_F², each level still has ‖G‖₂² ≤ ‖H‖₂ + γ‖G‖_F².
Proof.      ‖G*G‖₂ = ‖G‖₂² by Cauchy–Schwarz; singular values for the Frobenius norm.
"""

from typing import Any

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import exponential_enclosure, require, require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement="‖W‖₂ = ‖(W*W)^{2^{k−1}}‖₂^{2^{−k}} ≤ ‖(W*W)^{2^{k−1}}‖_F^{2^{−k}} ≤ n^{2^{−k−1}}‖W‖₂",
    assumptions=("k ≥ 1", "n the smaller dimension", "the eigenvalues of W*W are σ_i²", "‖M‖_F² = Σσ_i(M)²"),
    source="natrob_theory/spectra/gram.py (Delattre et al., ICML 2023)",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """One level, k levels, the Frobenius norm, rounding, and the figures the code quotes."""
    _one_level()
    _levels()
    _frobenius()
    _rounding()
    _quoted_figures()


def _one_level() -> None:
    gap, other_gap = sympy.symbols("g d", nonnegative=True)
    norm, image = sympy.symbols("w N", positive=True)
    # ‖Gv‖² = ⟨G*Gv, v⟩ ≤ ‖G*G‖‖v‖², so ‖G‖² ≤ ‖G*G‖: at the v with ‖v‖ = 1, ‖Gv‖ = w = ‖G‖
    gram_norm = norm**2 + gap
    require_at_most(norm**2, gram_norm, gap, "‖G‖² ≤ ‖G*G‖")
    # ‖G*u‖² = ⟨GG*u, u⟩ ≤ ‖G‖‖G*u‖‖u‖ gives ‖G*‖ ≤ ‖G‖: solve for ‖u‖ and compare
    length = (image**2 + gap) / (norm * image)
    require_at_most(image, norm * length, gap / image, "‖G*u‖ ≤ ‖G‖‖u‖")
    # hence ‖G*Gv‖ ≤ ‖G‖‖Gv‖ ≤ ‖G‖²‖v‖
    size = sympy.symbols("v", nonnegative=True)
    require_at_most(norm * (norm * size - gap) - other_gap, norm**2 * size, norm * gap + other_gap, "‖G*G‖ ≤ ‖G‖²")


def _levels() -> None:
    # ‖G_{j+1}‖ = ‖G_j‖² from ‖G_0‖ = w: w^{2^j} by induction; G_k = (W*W)^{2^{k−1}} likewise: G_j*G_j = G_j² for j ≥ 1
    norm = sympy.symbols("w", positive=True)
    j = sympy.symbols("j", integer=True, nonnegative=True)
    level = norm ** (2**j)
    require_equal(level.subs(j, 0), norm, "‖G_0‖ = ‖W‖")
    require_equal(level.subs(j, j + 1), level**2, "‖G_{j+1}‖ = ‖G_j‖²")
    gram = sympy.symbols("P", positive=True)  # W*W, whose powers commute
    power = gram ** (2 ** (j - 1))
    require_equal(power.subs(j, 1), gram, "G_1 = W*W")
    require_equal(power.subs(j, j + 1), power**2, "G_{j+1} = G_j²")


def _frobenius() -> None:
    # ‖G_k‖_F² = S + rest with S = ‖G_k‖₂² its largest summand, each of the n − 1 others between 0 and S: S − t_i
    largest = sympy.symbols("S", positive=True)
    i = sympy.symbols("i", integer=True)
    n = sympy.symbols("n", integer=True, positive=True)
    others = sympy.symbols("R", nonnegative=True)
    require_at_most(largest, largest + others, others, "‖G_k‖₂² ≤ ‖G_k‖_F²")
    missing = sympy.symbols("D", nonnegative=True)  # Σ t_i
    frobenius = largest + sympy.Sum(largest, (i, 2, n)).doit() - missing
    require_at_most(frobenius, n * largest, missing, "‖G_k‖_F² ≤ n‖G_k‖₂²")
    # the root of order 2·2^k of n‖W‖^{2·2^k}
    k, norm = sympy.symbols("k", integer=True, positive=True), sympy.symbols("w", positive=True)
    order = 2 * 2**k
    root = sympy.expand_power_base((n * norm**order) ** (1 / order))
    require_equal(root, n ** (2 ** (-k - 1)) * norm, "the factor is n^{2^{−k−1}}")


def _rounding() -> None:
    # H = G*G + (H − G*G): the triangle inequality with gap g, ‖·‖₂ ≤ ‖·‖_F with gap d, γ‖G‖_F² − e = ‖H − G*G‖_F
    computed, gamma, frobenius, g, d, e = sympy.symbols("H gamma F g d e", nonnegative=True)
    error_norm = gamma * frobenius**2 - e - d
    require_at_most(computed + error_norm - g, computed + gamma * frobenius**2, g + d + e, "‖G‖₂² ≤ ‖H‖₂ + γ‖G‖_F²")
    # a bound b ≥ ‖H‖₂ of the next level gives √(b + γ‖G‖_F²) ≥ ‖G‖₂, so the bounds unroll backwards
    rise = sympy.symbols("r", nonnegative=True)
    room = gamma * frobenius**2
    require_at_most(computed + room, (computed + rise) + room, rise, "a larger bound below gives a larger bound above")
    # scaling by a power of two p: ‖G‖ = p‖G/p‖
    scale, norm = sympy.symbols("p w", positive=True)
    require_equal(scale * (norm / scale), norm, "‖G‖ = p‖G/p‖")


def _quoted_figures() -> None:
    # for n = 1024 the factor is 2^{10·2^{−k−1}}; 2 lies between the exponentials of two rationals
    low: Any = sympy.Rational(693147, 10**6)
    high: Any = sympy.Rational(693148, 10**6)
    require(exponential_enclosure(low)[1] < 2, "ln 2 > 0.693147")
    require(exponential_enclosure(high)[0] > 2, "ln 2 < 0.693148")
    for k, least, most in ((10, "0.00335", "0.00345"), (14, "0.000205", "0.000215"), (20, "0.00000325", "0.00000335")):
        exponent: Any = sympy.Rational(10, 2 ** (k + 1))
        require(exponential_enclosure(low * exponent)[0] - 1 > sympy.Rational(least), f"k = {k}: at least {least}")
        require(exponential_enclosure(high * exponent)[1] - 1 < sympy.Rational(most), f"k = {k}: at most {most}")
