"""Euler's method on f = −∇V(y) + Jy − ρy: the sharp factor from the constants of the parts.

Statement.  Δf = −γe + j + d with ⟨j, e⟩ = 0, ‖j‖ ≤ s‖e‖, ‖d‖ ≤ r‖e‖: ‖e + hΔf‖ ≤ (√((1 − hγ)² + h²s²) + hr)‖e‖.
            A gradient flow with secants between m and K has γ = (m + K)/2, s = 0, r = (K − m)/2; a skew-symmetric
            field has γ = r = 0; γ, s and r add in sums, cf has cγ, |c|s and |c|r, f − ρy has γ + ρ.
            So for −∇V + J − ρ: γ = ρ + K/2, r = K/2. Linear fields of this kind attain it in the plane, with every
            K, s, ρ and h. It is at most 1 for h ≤ 2(γ − r)/(γ² + s² − r²) with hr ≤ 1, and its square is at most
            max(|1 − hρ|, |1 − hρ − hK|)² + h²s² + h²Ks.
Proof.      Pythagoras for (1 − hγ)e + hj, then the triangle inequality; the square of Δf + γe.
"""

from typing import Any

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.inner_products import FormalVectors, require_at_most

CLAIM = Claim(
    statement="−∇V + J − ρ: Euler's factor is √((1 − hρ − hK/2)² + h²s²) + hK/2, and it is attained",
    assumptions=(
        "h > 0",
        "the secants of −∇V lie between −K and 0 (proofs/symbolic/gradient_flow.py, Baillon and Haddad 1977)",
        "⟨Jy, y⟩ = 0 and ‖Jy‖ ≤ s‖y‖",
        "‖·‖ is the norm of the inner product",
    ),
    source="theory, section 3; natrob_theory/fields/centred_fields.py and steppers/euler.py",
    verdict=Verdict.PROVED_FOR_EVERY_STEP,
)

h, K, s = sympy.symbols("h K s", positive=True)
rate, p, q = sympy.symbols("rho p q", nonnegative=True)


def check() -> None:
    """The step, the constants of the parts and of what is made of them, attainment, the step size, the plain form."""
    _step()
    _gradient_flow()
    _combinations()
    _attained()
    _largest_step()
    _plain_form()


def _step() -> None:
    space = FormalVectors("e", "j")
    e, turned = space.vectors
    centre = sympy.symbols("gamma", real=True)
    kept = sympy.expand(space.square((1 - h * centre) * e + h * turned).subs(space.inner(turned, e), 0))
    claimed = (1 - h * centre) ** 2 * space.square(e) + h**2 * space.square(turned)
    require_equal(kept, claimed, "‖(1 − hγ)e + hj‖² = (1 − hγ)²‖e‖² + h²‖j‖²")
    # ‖j‖² = s²‖e‖² − p
    size = sympy.symbols("E", nonnegative=True)
    bounded = kept.subs({space.square(turned): s**2 * size - p, space.square(e): size})
    require_at_most(bounded, ((1 - h * centre) ** 2 + h**2 * s**2) * size, h**2 * p, "‖j‖ ≤ s‖e‖")
    # the triangle inequality: ‖v + hd‖² = ‖v‖² + 2h⟨v, d⟩ + h²‖d‖² with ⟨v, d⟩ = ‖v‖‖d‖ − p and ‖d‖ = r‖e‖ − q
    whole = FormalVectors("v", "d")
    v, rest = whole.vectors
    length, other = sympy.symbols("L D", nonnegative=True)
    values = {whole.square(v): length**2, whole.square(rest): other**2, whole.inner(v, rest): length * other - p}
    stepped = whole.square(v + h * rest).subs(values)
    require_at_most(stepped, (length + h * other) ** 2, 2 * h * p, "‖v + hd‖ ≤ ‖v‖ + h‖d‖")


def _gradient_flow() -> None:
    # ⟨Ke + Δf, −Δf − me⟩ = p ≥ 0 says that the secants lie between −K and −m
    least = sympy.symbols("m", nonnegative=True)
    space = FormalVectors("e", "Δf")
    e, change = space.vectors
    product = space.inner(K * e + change, -change - least * e)
    remainder = space.square(change + (K + least) / 2 * e)
    require_equal(remainder, (K - least) ** 2 / 4 * space.square(e) - product, "‖Δf + (K + m)e/2‖² ≤ ((K − m)/2)²‖e‖²")


def _combinations() -> None:
    # each part is −γe + j + d; what is asked of j and d holds for sums and multiples, what remains is the centre
    first, second, factor = sympy.symbols("gamma delta c", real=True)
    space = FormalVectors("e", "j", "k", "d", "g")
    e, j, k, d, g = space.vectors
    one, other = -first * e + j + d, -second * e + k + g
    require_equal(one + other, -(first + second) * e + (j + k) + (d + g), "the centres of a sum add")
    require_equal(factor * one, -(factor * first) * e + factor * j + factor * d, "cf has the centre cγ")
    require_equal(one - rate * e, -(first + rate) * e + j + d, "f − ρy has the centre γ + ρ")
    at_right_angles = {space.inner(e, j): 0, space.inner(e, k): 0}
    require_equal(space.inner(factor * j + k, e).subs(at_right_angles), 0, "⟨cj + k, e⟩ = 0")
    require_equal(space.square(factor * j), factor**2 * space.square(j), "‖cj‖ = |c|‖j‖")


def _attained() -> None:
    # v = (c, hs), c = 1 − hρ − hK/2; H the reflection that takes e₁ to v/‖v‖; S = K(I − H)/2 has eigenvalues 0 and K
    c = 1 - h * rate - h * K / 2
    length: Any = sympy.sqrt(c**2 + h**2 * s**2)
    reflection: Any = sympy.Matrix([[c, h * s], [h * s, -c]]) / length
    identity: Any = sympy.eye(2)
    require(reflection.is_symmetric(), "H is symmetric")
    require_equal(reflection * reflection, identity, "H² = I, so its eigenvalues are ±1")
    stiffness = K / 2 * (identity - reflection)
    require_equal(stiffness * stiffness, K * stiffness, "S² = KS: eigenvalues 0 and K, and −Sy is a gradient flow")
    quarter_turn: Any = sympy.Matrix([[0, -1], [1, 0]])
    stepped = (identity + h * (-stiffness + s * quarter_turn - rate * identity))[:, 0]
    grown = (length + h * K / 2) / length
    require_equal(stepped, grown * sympy.Matrix([c, h * s]), "the step takes e₁ to (‖v‖ + hK/2)v/‖v‖")


def _largest_step() -> None:
    centre, radius = sympy.symbols("gamma r", nonnegative=True)
    gap = (1 - h * radius) ** 2 - ((1 - h * centre) ** 2 + h**2 * s**2)
    allowed = h * (2 * (centre - radius) - h * (centre**2 + s**2 - radius**2))
    require_equal(gap, allowed, "the factor is at most 1 exactly where this is at least 0, for hr ≤ 1")
    values = {centre: rate + K / 2, radius: K / 2}
    require_equal((centre**2 - radius**2).subs(values), rate**2 + rate * K, "h ≤ 2ρ/(ρ² + ρK + s²)")


def _plain_form() -> None:
    # with a = |c|, l = √(a² + h²s²) = a + hs − g, g ≥ 0, and max(|1 − hρ|, |1 − hρ − hK|) = |c| + hK/2 = a + hr
    a, g, r = sympy.symbols("a g r", nonnegative=True)
    square_of_root = a**2 + h**2 * s**2
    mine = square_of_root + 2 * h * r * (a + h * s - g) + h**2 * r**2
    require_at_most(mine, (a + h * r) ** 2 + h**2 * s**2 + 2 * h**2 * r * s, 2 * h * r * g, "2r = K")
    require_at_most(square_of_root, (a + h * s) ** 2, 2 * a * h * s, "√(a² + h²s²) ≤ a + hs")
    for sign in (1, -1):
        c = sympy.symbols("c", nonnegative=True) * sign
        further = sympy.Abs(c + sign * h * r)
        require_equal(further, sympy.Abs(c) + h * r, "the end further from 0 is at |c| + hr")
        nearer = c - sign * h * r
        require_at_most(nearer**2, further**2, 4 * sympy.Abs(c) * h * r, "the other end is nearer")
