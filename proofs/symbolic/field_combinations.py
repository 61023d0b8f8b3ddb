"""Constants of sums, multiples and fields with dissipation.

Statement.  K(f + g) ≤ K_f + K_g, μ(f + g) ≤ μ_f + μ_g; K(cf) = |c|K_f, μ(cf) = cμ_f for c ≥ 0, and for c < 0 only
            μ(cf) ≤ |c|K_f (cμ_f is no bound). f − ρy has exactly μ = μ_f − ρ, and K ≤ K_f + ρ; for a skew f it has
            K = √(K_f² + ρ²). With μ_f < ρ Euler's method contracts for h < 2(ρ − μ_f)/K².
Proof.      Bilinearity; Cauchy–Schwarz and the triangle inequality (inner_product_inequalities.py).
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require_equal
from proofs.symbolic.inner_products import FormalVectors, require_at_most

CLAIM = Claim(
    statement="μ(f+g) ≤ μ_f + μ_g, μ(cf) = cμ_f for c ≥ 0, μ(f − ρy) = μ_f − ρ; K ≤ ΣK_i, |c|K, K + ρ or √(K² + ρ²)",
    assumptions=("ρ ≥ 0", "constants in the sense of theory, the symbols"),
    source="theory, section 5; natrob_theory/fields/combinations.py, dissipative.py",
    verdict=Verdict.PROVED,
)

size, s_1, s_2 = sympy.symbols("E s_1 s_2", nonnegative=True)
mu_1, mu_2 = sympy.symbols("mu_1 mu_2", real=True)
K_1, K_2 = sympy.symbols("K_1 K_2", nonnegative=True)


def check() -> None:
    """Sums, multiples, dissipation."""
    _sums()
    _multiples()
    _dissipation()
    _skew_with_dissipation()


def _sums() -> None:
    space = FormalVectors("e", "Δf", "Δg")
    e, change, other = space.vectors
    given = {space.inner(change, e): mu_1 * size - s_1, space.inner(other, e): mu_2 * size - s_2}
    require_at_most(
        space.inner(change + other, e).subs(given), (mu_1 + mu_2) * size, s_1 + s_2, "⟨Δf + Δg, e⟩ ≤ (μ_f + μ_g)‖e‖²"
    )
    # ‖Δf + Δg‖ = ‖Δf‖ + ‖Δg‖ − d, with ‖Δf‖ = K_f‖e‖ − s₁ and so on; here E stands for ‖e‖
    d = sympy.symbols("d", nonnegative=True)
    length = (K_1 * size - s_1) + (K_2 * size - s_2) - d
    require_at_most(length, (K_1 + K_2) * size, s_1 + s_2 + d, "‖Δf + Δg‖ ≤ (K_f + K_g)‖e‖")


def _multiples() -> None:
    factor = sympy.symbols("c", nonnegative=True)
    space = FormalVectors("e", "Δf")
    e, change = space.vectors
    given = {space.inner(change, e): mu_1 * size - s_1}
    require_at_most(space.inner(factor * change, e).subs(given), factor * mu_1 * size, factor * s_1, "μ(cf) ≤ cμ_f")
    # the same with 1/c on cf for c > 0 gives μ_f ≤ μ(cf)/c, so both are equal
    positive = sympy.symbols("c", positive=True)
    require_equal((1 / positive) * (positive * mu_1), mu_1, "μ_f = μ((1/c)cf)")
    # ‖cΔf‖² = c²‖Δf‖² for every real c
    real = sympy.symbols("c", real=True)
    require_equal(space.square(real * change), sympy.Abs(real) ** 2 * space.square(change), "K(cf) = |c|K_f")
    # c = −m < 0: ⟨−mΔf, e⟩ ≤ m‖Δf‖‖e‖ = m(K‖e‖ − s₁)‖e‖ with the gap s₂ of Cauchy–Schwarz
    bounded = factor * ((K_1 * size - s_1) * size - s_2)
    require_at_most(bounded, factor * K_1 * size**2, factor * (s_1 * size + s_2), "μ(cf) ≤ |c|K_f for c < 0")
    # cμ_f is no bound for c = −1: f = diag(−1, 0)y has μ_f = 0, and −f has μ = 1
    field = sympy.diag(-1, 0)
    require_equal(max(field.eigenvals()), 0, "μ_f = 0")
    require_equal(max((-field).eigenvals()), 1, "μ(−f) = 1")


def _dissipation() -> None:
    rate = sympy.symbols("rho", nonnegative=True)
    space = FormalVectors("e", "Δf")
    e, change = space.vectors
    damped = change - rate * e
    # an identity, so the supremum of the quotient falls by exactly ρ
    require_equal(space.inner(damped, e), space.inner(change, e) - rate * space.square(e), "⟨Δf − ρe, e⟩")
    d = sympy.symbols("d", nonnegative=True)
    length = (K_1 * size - s_1) + rate * size - d
    require_at_most(length, (K_1 + rate) * size, s_1 + d, "‖Δf − ρe‖ ≤ (K_f + ρ)‖e‖")
    # Euler on it: −2μ/K² (euler_one_sided.py) with μ = μ_f − ρ
    constant = sympy.symbols("K", positive=True)
    limit = -2 * (mu_1 - rate) / constant**2
    require_equal(limit, 2 * (rate - mu_1) / constant**2, "h < 2(ρ − μ_f)/K²")


def _skew_with_dissipation() -> None:
    rate = sympy.symbols("rho", nonnegative=True)
    space = FormalVectors("e", "Ae")
    e, image = space.vectors
    # ⟨Ae, e⟩ = 0 (skew_symmetric_euler.py): Pythagoras
    squared = space.square(image - rate * e).subs(space.inner(image, e), 0)
    require_equal(squared, space.square(image) + rate**2 * space.square(e), "‖Ae − ρe‖² = ‖Ae‖² + ρ²‖e‖²")
    bounded = squared.subs({space.square(image): K_1**2 * size - s_1, space.square(e): size})
    require_at_most(bounded, (K_1**2 + rate**2) * size, s_1, "K² ≤ K_f² + ρ²; equality where ‖Ae‖ = K_f‖e‖")
