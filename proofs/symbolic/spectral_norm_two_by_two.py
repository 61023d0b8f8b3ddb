"""The spectral norm of a 2×2 matrix in closed form, as RevNet's bound evaluates it.

Statement.  For real B = [[p, q], [r, s]] with α = p² + q², β = r² + s² and γ = pr + qs:
            ‖B‖₂² = ½(α + β + √((α − β)² + 4γ²)).
Proof.      ‖B‖₂² = ‖Bᵀ‖₂² is the least λ with λ‖v‖² − ‖Bᵀv‖² ≥ 0 for all v, that is, with λI − BBᵀ positive
            semidefinite, and BBᵀ = [[α, γ], [γ, β]]. At the λ above the determinant of λI − BBᵀ is 0 and its diagonal
            is at least 0, so it is positive semidefinite with a kernel, and any smaller λ is negative on that kernel.
"""

from typing import Any

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal

CLAIM = Claim(
    statement="‖[[p, q], [r, s]]‖₂² = ½(α + β + √((α − β)² + 4γ²)), α = p² + q², β = r² + s², γ = pr + qs",
    assumptions=("real entries",),
    source="theory, section 1 (RevNet); the definition of the spectral norm",
    verdict=Verdict.PROVED,
)

alpha, beta, gamma = sympy.symbols("α β γ", real=True)


def check() -> None:
    """BBᵀ, the value as a root of its characteristic polynomial, definiteness, and the trace and determinant form."""
    p, q, r, s = sympy.symbols("p q r s", real=True)
    matrix: Any = sympy.Matrix([[p, q], [r, s]])
    product = matrix * matrix.T
    values = {alpha: p**2 + q**2, beta: r**2 + s**2, gamma: p * r + q * s}
    gram: Any = sympy.Matrix([[alpha, gamma], [gamma, beta]])
    require_equal(product, gram.subs(values), "BBᵀ = [[α, γ], [γ, β]]")
    # B and Bᵀ have one norm: BᵀB and BBᵀ have one characteristic polynomial
    z = sympy.Symbol("z")
    transposed = (matrix.T * matrix).charpoly(z).as_expr()
    require_equal(product.charpoly(z).as_expr(), transposed, "det(zI − BBᵀ) = det(zI − BᵀB)")

    root = sympy.sqrt((alpha - beta) ** 2 + 4 * gamma**2)
    largest = (alpha + beta + root) / 2
    shifted = largest * sympy.eye(2) - gram
    # the determinant is 0
    require_equal(shifted.det(), 0, "det(λI − BBᵀ) = 0")
    # with ρ = √(…) and d = α − β the diagonal is (ρ − d)/2 and (ρ + d)/2, at least 0 as ρ ≥ 0 and ρ² − d² = 4γ² ≥ 0
    require_equal(shifted[0, 0], (root - (alpha - beta)) / 2, "λ − α = (ρ − d)/2")
    require_equal(shifted[1, 1], (root + (alpha - beta)) / 2, "λ − β = (ρ + d)/2")
    require_equal(root**2 - (alpha - beta) ** 2, (2 * gamma) ** 2, "ρ² − d² = (2γ)²")
    require(((2 * gamma) ** 2).is_nonnegative and root.is_nonnegative, "so ρ ≥ |d|")
    _semidefinite()
    _code_form()


def _semidefinite() -> None:
    """[[A, C], [C, D]] with A, D ≥ 0 and AD = C² is positive semidefinite, and no smaller λ will do."""
    first, second, mixed, v, w = sympy.symbols("A D C v w", real=True)
    form = first * v**2 + 2 * mixed * v * w + second * w**2
    # A > 0: A times the form is a square, up to (AD − C²)w² = 0; A = 0: then C² = AD = 0 and the form is Dw²
    square = (first * v + mixed * w) ** 2 + (first * second - mixed**2) * w**2
    require_equal(first * form, square, "A(Av² + 2Cvw + Dw²) = (Av + Cw)² + (AD − C²)w²")
    require_equal(form.subs({first: 0, mixed: 0}), second * w**2, "A = C = 0: Dw²")
    require(((first * v + mixed * w) ** 2).is_nonnegative, "(Av + Cw)² ≥ 0")
    # at (−C, A), or at (1, 0) if A = C = 0, the form is 0; with λ − δ in place of λ it is −δ‖v‖² there
    at_kernel = form.subs({v: -mixed, w: first}, simultaneous=True)
    require_equal(at_kernel, first * (first * second - mixed**2), "the form at (−C, A) is A(AD − C²) = 0")
    require_equal(form.subs({first: 0, mixed: 0, w: 0}), 0, "the form at (1, 0) for A = C = 0 is 0")
    smaller = sympy.Symbol("δ", positive=True)
    lowered = form.subs({first: first - smaller, second: second - smaller}, simultaneous=True)
    require_equal(lowered, form - smaller * (v**2 + w**2), "the form of λ − δ is lower by δ(v² + w²)")


def _code_form() -> None:
    """The values agree with trace and determinant: ½(N + √(N² − 4(ps − qr)²)), N = p² + q² + r² + s²."""
    p, q, r, s = sympy.symbols("p q r s", real=True)
    values = {alpha: p**2 + q**2, beta: r**2 + s**2, gamma: p * r + q * s}
    radicand = ((alpha - beta) ** 2 + 4 * gamma**2).subs(values)
    total = p**2 + q**2 + r**2 + s**2
    require_equal(radicand, total**2 - 4 * (p * s - q * r) ** 2, "(α − β)² + 4γ² = N² − 4 det²")
    # scaling the entries by c > 0 scales the norm by c, so dividing by the largest entry first changes nothing
    c = sympy.Symbol("c", positive=True)
    largest = (alpha + beta + sympy.sqrt((alpha - beta) ** 2 + 4 * gamma**2)) / 2
    scaled = largest.subs({alpha: c**2 * alpha, beta: c**2 * beta, gamma: c**2 * gamma}, simultaneous=True)
    require_equal(scaled, c**2 * largest, "‖cB‖² = c²‖B‖²")
