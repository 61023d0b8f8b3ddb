"""Sums, nonnegative multiples and dissipation of gradient flows of convex potentials are such flows again.

Statement.  f = −∇V and g = −∇W with V, W convex: f + g = −∇(V + W), cf = −∇(cV) for c ≥ 0, f − ρy = −∇(V + ρ‖y‖²/2),
            all convex. For two states with Δf = −Se, Δg = −Te, S and T symmetric, m ≤ S ≤ K and m' ≤ T ≤ K':
            −(Δf + Δg) = (S + T)e with m + m' ≤ S + T ≤ K + K'; cm ≤ cS ≤ cK; m + ρ ≤ S + ρ ≤ K + ρ.
            So max(|1 − hK|, |1 + hμ|) holds for the combination with its own K and μ = −m.
            Without S: if f is cocoercive, then K + ρ and ρ bound the secants of f − ρy, which is all the factor needs;
            and a sum of cocoercive fields is cocoercive with the sum of the constants.
Proof.      Bilinearity; ‖Δf + Δg‖² ≤ (K + K')(‖Δf‖²/K + ‖Δg‖²/K').
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.inner_products import FormalVectors, require_at_most

CLAIM = Claim(
    statement="f + g, cf (c ≥ 0) and f − ρy of gradient flows of convex potentials are such flows",
    assumptions=(
        "V convex: ⟨∇V(z) − ∇V(y), z − y⟩ ≥ 0",
        "a convex potential with K-Lipschitz gradient is cocoercive (Baillon and Haddad 1977)",
        "c, ρ ≥ 0",
    ),
    source="theory, section 3; natrob_theory/fields/gradient_flow.py, combinations.py",
    verdict=Verdict.PROVED,
)

K, L = sympy.symbols("K L", positive=True)
size, p, q, s_1, s_2 = sympy.symbols("E p q s_1 s_2", nonnegative=True)


def check() -> None:
    """Convexity, the secant operators, and cocoercivity without them."""
    _convexity()
    _secant_operators()
    _sum_is_cocoercive()
    _multiple_is_cocoercive()
    _dissipation()
    _negative_multiples_are_none()


def _convexity() -> None:
    # −⟨Δf, e⟩ = p ≥ 0 and −⟨Δg, e⟩ = q ≥ 0 are what convexity says
    factor, rate = sympy.symbols("c rho", nonnegative=True)
    space = FormalVectors("e", "Δf", "Δg")
    e, change, other = space.vectors
    given = {space.inner(change, e): -p, space.inner(other, e): -q}
    require_at_most(0, -space.inner(change + other, e).subs(given), p + q, "V + W is convex")
    require_at_most(0, -space.inner(factor * change, e).subs(given), factor * p, "cV is convex")
    squared = sympy.symbols("E", nonnegative=True)
    damped = -space.inner(change - rate * e, e).subs(given).subs(space.square(e), squared)
    require_at_most(0, damped, p + rate * squared, "V + ρ‖y‖²/2 is convex")


def _secant_operators() -> None:
    # ⟨Se, e⟩ = m‖e‖² + s₁ = K‖e‖² − s₂ and so for T: the quadratic forms add, so do their ends
    least, other_least = sympy.symbols("m n", nonnegative=True)
    t_1, t_2 = sympy.symbols("t_1 t_2", nonnegative=True)
    require_at_most((least + other_least) * size, (least * size + s_1) + (other_least * size + t_1), s_1 + t_1, "below")
    require_at_most((K * size - s_2) + (L * size - t_2), (K + L) * size, s_2 + t_2, "above")
    # symmetry: ⟨(S + T)u, v⟩ = ⟨Su, v⟩ + ⟨Tu, v⟩ = ⟨u, Sv⟩ + ⟨u, Tv⟩, entry by entry
    first = sympy.Matrix(2, 2, sympy.symbols("a b b d", real=True))
    second = sympy.Matrix(2, 2, sympy.symbols("f g g k", real=True))
    require((first + second).is_symmetric(), "the sum of symmetric operators is symmetric")


def _sum_is_cocoercive() -> None:
    # −⟨Δf, e⟩ = ‖Δf‖²/K + p and −⟨Δg, e⟩ = ‖Δg‖²/L + q
    space = FormalVectors("e", "Δf", "Δg")
    e, change, other = space.vectors
    given = {
        space.inner(change, e): -(space.square(change) / K + p),
        space.inner(other, e): -(space.square(other) / L + q),
    }
    inner = -space.inner(change + other, e).subs(given)
    # (K + L)·inner − ‖Δf + Δg‖² = ‖√(L/K)Δf − √(K/L)Δg‖² + (K + L)(p + q)
    square = space.square(sympy.sqrt(L / K) * change - sympy.sqrt(K / L) * other)
    require_equal(
        (K + L) * inner - space.square(change + other),
        sympy.expand(square) + (K + L) * (p + q),
        "‖Δf + Δg‖² ≤ −(K + L)⟨Δf + Δg, e⟩, the rest being a square and slacks",
    )


def _multiple_is_cocoercive() -> None:
    factor = sympy.symbols("c", positive=True)
    space = FormalVectors("e", "Δf")
    e, change = space.vectors
    inner = -space.inner(factor * change, e).subs(space.inner(change, e), -(space.square(change) / K + p))
    require_equal(
        factor * K * inner - space.square(factor * change), factor**2 * K * p, "‖cΔf‖² ≤ −cK⟨cΔf, e⟩, c = 0 being f = 0"
    )


def _dissipation() -> None:
    # d = Δf − ρe: ⟨(K + ρ)e + d, −d − ρe⟩ = ⟨Ke + Δf, −Δf⟩ = −K⟨Δf, e⟩ − ‖Δf‖² ≥ 0
    rate = sympy.symbols("rho", nonnegative=True)
    space = FormalVectors("e", "Δf")
    e, change = space.vectors
    damped = change - rate * e
    product = space.inner((K + rate) * e + damped, -damped - rate * e)
    cocoercive = {space.inner(change, e): -(space.square(change) / K + p)}
    require_equal(product.subs(cocoercive), K * p, "the secants of f − ρy lie between −ρ and −(K + ρ)")


def _negative_multiples_are_none() -> None:
    # f = −y follows ½‖y‖²; −f = y has ⟨y, y⟩ > 0 and follows no convex potential
    y = sympy.symbols("y", positive=True)
    multiple = sympy.Integer(-1) * (-y)
    require((multiple * y).is_positive, "⟨−f, y⟩ > 0: c ≥ 0 is needed")
