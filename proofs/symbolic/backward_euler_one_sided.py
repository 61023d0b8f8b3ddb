"""Backward Euler under a one-sided constant: 1/(1 − hμ) for every hμ < 1, whatever K.

Statement.  e′ = e + hΔ′ with ⟨Δ′, e′⟩ ≤ μ‖e′‖² and hμ < 1 has ‖e′‖ ≤ ‖e‖/(1 − hμ), attained by f = μy.
            For μ ≤ 0 that is at most ‖e‖, for every h. With residuals r_y, r_z of the two implicit equations,
            ‖e′‖ ≤ (‖e‖ + ‖r_y‖ + ‖r_z‖)/(1 − hμ).
Proof.      (1 − hμ)‖e′‖² ≤ ⟨e, e′⟩ ≤ ‖e‖‖e′‖, the last by Cauchy–Schwarz (inner_product_inequalities.py).
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require_equal
from proofs.symbolic.inner_products import FormalVectors, require_at_most

CLAIM = Claim(
    statement="‖e_{n+1}‖ ≤ (‖e_n‖ + ‖r_y‖ + ‖r_z‖)/(1 − hμ) for every hμ < 1, whatever K; non-expansive for μ ≤ 0",
    assumptions=("h > 0", "hμ < 1", "⟨Δf, e⟩ ≤ μ‖e‖²", "the implicit equations hold up to the residuals"),
    source="theory, sections 1 and 3; natrob_theory/steppers/backward_euler.py",
    verdict=Verdict.PROVED_FOR_EVERY_STEP,
)

h, room = sympy.symbols("h r", positive=True)
mu = (1 - room) / h  # the room r = 1 − hμ > 0 stands for the assumption hμ < 1


def check() -> None:
    """The bound with residuals; without them they are 0."""
    require_equal(1 - h * mu, room, "r = 1 − hμ")
    space = FormalVectors("e′", "Δ′", "r_y", "r_z")
    new, change, residual_y, residual_z = space.vectors
    # y′ = y + hf(y′) + r_y and z′ = z + hf(z′) + r_z, so e = e′ − hΔ′ + r_y − r_z; call e + r_z − r_y the start u
    old = new - h * change + residual_y - residual_z
    start = old + residual_z - residual_y
    size, s = sympy.symbols("E s", nonnegative=True)
    given = {space.square(new): size, space.inner(change, new): mu * size - s}
    require_at_most(room * size, space.inner(start, new).subs(given), h * s, "(1 − hμ)‖e′‖² ≤ ⟨u, e′⟩")
    # Cauchy–Schwarz: ⟨u, e′⟩ = ‖u‖‖e′‖ − c. For e′ = 0 nothing is to be shown, so divide by ‖e′‖ > 0
    after = sympy.symbols("N", positive=True)
    c = sympy.symbols("c", nonnegative=True)
    before = (room * after**2 + h * s + c) / after
    require_equal(before * after - c, room * after**2 + h * s, "‖u‖‖e′‖ − c = (1 − hμ)‖e′‖² + hs defines ‖u‖")
    require_at_most(after, before / room, (h * s + c) / (after * room), "‖e′‖ ≤ ‖u‖/(1 − hμ)")
    # the triangle inequality twice, with gaps d₁, d₂: ‖u‖ = ‖e‖ + ‖r_y‖ + ‖r_z‖ − d₁ − d₂
    norm, norm_y, norm_z, d_1, d_2 = sympy.symbols("n_e n_y n_z d_1 d_2", nonnegative=True)
    total = norm + norm_y + norm_z
    require_at_most((total - d_1 - d_2) / room, total / room, (d_1 + d_2) / room, "the bound with residuals")
    # μ ≤ 0: the factor is at most 1
    m = sympy.symbols("m", nonnegative=True)
    require_at_most(1 / (1 + h * m), 1, h * m / (1 + h * m), "1/(1 − hμ) ≤ 1 for μ = −m ≤ 0")
    _attained()


def _attained() -> None:
    # f = μy: y′ = y/(1 − hμ) solves y′ = y + hμy′, so every distance is multiplied by the factor itself
    y = sympy.symbols("y", real=True)
    solution = y / room
    require_equal(solution, y + h * mu * solution, "y′ = y + hμy′")
    # at hμ = 1 the equation y′ = y + y′ has no solution for y ≠ 0, whatever is tried for y′: there is no bound
    trial = sympy.symbols("v", real=True)
    require_equal(y + h * (1 / h) * trial - trial, y, "(y + y′) − y′ = y")
