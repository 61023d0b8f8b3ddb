"""An L∞ budget ε is an L2 budget of at most ε√d, and that is attained.

Statement.  |δ_i| ≤ ε for d entries gives ‖δ‖₂ ≤ ε√d, with equality at δ_i = ±ε; and ‖δ‖_∞ ≤ ‖δ‖₂. So an L2 radius r
            certifies every L∞ budget up to r/√d, and no larger one in general.
Proof.      δ_i² = ε² − t_i with t_i ≥ 0, summed.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement="‖δ‖_∞ ≤ ε gives ‖δ‖₂ ≤ ε√d, attained at δ = (±ε, …, ±ε); ‖δ‖_∞ ≤ ‖δ‖₂",
    assumptions=("d entries",),
    source="theory, section 5",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """One entry, the sum over d of them, equality."""
    d = sympy.symbols("d", integer=True, positive=True)
    index = sympy.symbols("i", integer=True)
    size, room, missing = sympy.symbols("a r D", nonnegative=True)
    # |δ_i| = a, ε = a + r
    require_at_most(size**2, (size + room) ** 2, 2 * size * room + room**2, "δ_i² ≤ ε²")
    # Σ δ_i² = Σ ε² − Σ t_i, with D = Σ t_i ≥ 0
    epsilon = sympy.symbols("epsilon", positive=True)
    summed = sympy.Sum(epsilon**2, (index, 1, d)).doit()
    require_equal(summed, d * epsilon**2, "Σ ε² = dε²")
    require_at_most(summed - missing, (epsilon * sympy.sqrt(d)) ** 2, missing, "‖δ‖₂² ≤ (ε√d)²")
    # equality at δ_i = ±ε: every t_i is 0
    require_equal(sympy.sqrt(sympy.Sum((-epsilon) ** 2, (index, 1, d)).doit()), epsilon * sympy.sqrt(d), "attained")
    # the largest entry's square is one of the summands of ‖δ‖₂²
    others = sympy.symbols("R", nonnegative=True)
    require_at_most(size**2, size**2 + others, others, "‖δ‖_∞ ≤ ‖δ‖₂")
    # an L2 radius r: ε = r/√d has ε√d = r
    radius = sympy.symbols("r", positive=True)
    require_equal((radius / sympy.sqrt(d)) * sympy.sqrt(d), radius, "r/√d in L∞ stays within r in L2")
