"""Cauchy–Schwarz and the triangle inequality, which the other proofs on one-sided constants use.

Statement.  ⟨u, v⟩² ≤ ‖u‖²‖v‖², hence |⟨u, v⟩| ≤ ‖u‖‖v‖, and ‖u + v‖ ≤ ‖u‖ + ‖v‖.
Proof.      0 ≤ ‖ ‖u‖²v − ⟨u, v⟩u ‖² = ‖u‖²(‖u‖²‖v‖² − ⟨u, v⟩²), and for u = 0 there is nothing to prove.
            (‖u‖ + ‖v‖)² − ‖u + v‖² = 2(‖u‖‖v‖ − ⟨u, v⟩).
Corollary.  The quotient ⟨Δf, e⟩/‖e‖² lies between −K and K, so −K ≤ μ ≤ K for its supremum μ.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require_equal
from proofs.symbolic.inner_products import FormalVectors, require_at_most

CLAIM = Claim(
    statement="|⟨u, v⟩| ≤ ‖u‖‖v‖ and ‖u + v‖ ≤ ‖u‖ + ‖v‖; so −K ≤ μ ≤ K",
    assumptions=("a real inner product space",),
    source="theory, the symbols (−K ≤ μ ≤ K)",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """Expand a square that is at least 0, in formal vectors."""
    space = FormalVectors("u", "v")
    u, v = space.vectors
    uu, uv, vv = space.square(u), space.inner(u, v), space.square(v)
    # the square of ‖u‖²v − ⟨u, v⟩u is ‖u‖² times the gap of Cauchy and Schwarz
    require_equal(space.square(uu * v - uv * u), uu * (uu * vv - uv**2), "‖ ‖u‖²v − ⟨u,v⟩u ‖² = ‖u‖²·gap")
    # call that square q ≥ 0 and solve for ‖v‖², with U = ‖u‖² > 0 and g = ⟨u, v⟩
    squared_u, g = sympy.symbols("U", positive=True), sympy.symbols("g", real=True)
    size, q = sympy.symbols("E q", nonnegative=True)
    squared_v = (q / squared_u + g**2) / squared_u
    require_equal(squared_u * (squared_u * squared_v - g**2), q, "the square is q")
    require_at_most(g**2, squared_u * squared_v, q / squared_u, "⟨u, v⟩² ≤ ‖u‖²‖v‖²")
    # the triangle inequality, with a = ‖u‖, b = ‖v‖ and ⟨u, v⟩ = ab − c, c ≥ 0 by Cauchy–Schwarz
    a, b, c = sympy.symbols("a b c", nonnegative=True)
    squared_sum = space.square(u + v).subs({uu: a**2, vv: b**2, uv: a * b - c})
    require_at_most(squared_sum, (a + b) ** 2, 2 * c, "‖u + v‖² ≤ (‖u‖ + ‖v‖)²")
    # ⟨Δf, e⟩ = ±‖Δf‖‖e‖ ∓ c and ‖Δf‖ = K‖e‖ − d: the quotient stays between −K and K
    lipschitz, d = sympy.symbols("K d", nonnegative=True)
    length = lipschitz * size - d
    require_at_most(length * size - c, lipschitz * size**2, size * d + c, "⟨Δf, e⟩ ≤ K‖e‖²")
    require_at_most(-lipschitz * size**2, -length * size + c, size * d + c, "⟨Δf, e⟩ ≥ −K‖e‖²")
