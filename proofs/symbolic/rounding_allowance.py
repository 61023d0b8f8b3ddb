"""Rounding: perturbed steps add an allowance to the bound, carried on by the growth of the later steps.

Statement.  If d_{n+1} ≤ G_n d_n + δ_n, then d_N ≤ Π G_i·d_0 + A_N, A_0 = 0, A_{n+1} = G_n A_n + δ_n; for constant G,
            A_N = Σ_i G^{N−1−i} δ_i. A computed step that is off by ρ_y, ρ_z has δ = ‖ρ_y‖ + ‖ρ_z‖.
            An error in a stage of a Runge–Kutta step reaches its end at most (G(x) − 1)/x times, a quotient that does
            not fall with x.
Proof.      Induction over the steps. The stage's factor is one entry of a nonnegative row whose sum is (G(x) − 1)/x.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.inner_products import FormalVectors, require_at_most

CLAIM = Claim(
    statement="e_{n+1} ≤ G_n e_n + δ_n gives e_N ≤ Π G_n·e_0 + Σ_i (Π_{j>i} G_j) δ_i",
    assumptions=("G_n ≥ 0, δ_n ≥ 0", "each operation's rounding is within its stated part of δ_n"),
    source="theory, section 7; natrob_theory/checks/certificates.py",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """One step, the induction, the closed form, and the stages."""
    _one_step()
    _induction()
    _closed_form()
    _stages()


def _one_step() -> None:
    # ŷ′ = Φ(ŷ) + ρ_y and ẑ′ = Φ(ẑ) + ρ_z: the difference is that of the exact steps and of the two errors
    space = FormalVectors("Φ(y)", "Φ(z)", "ρ_y", "ρ_z")
    step_y, step_z, error_y, error_z = space.vectors
    difference = (step_z + error_z) - (step_y + error_y)
    require_equal(
        space.square(difference), space.square((step_z - step_y) + error_z - error_y), "Φ(ẑ) − Φ(ŷ) + ρ_z − ρ_y"
    )
    growth, distance, r_y, r_z, g, d = sympy.symbols("G e r_y r_z g d", nonnegative=True)
    new = (growth * distance - g) + r_y + r_z - d
    require_at_most(new, growth * distance + r_y + r_z, g + d, "d_{n+1} ≤ G d_n + ‖ρ_y‖ + ‖ρ_z‖")
    # backward Euler: its residuals enter multiplied by G = 1/(1 − hμ) (backward_euler_one_sided.py)
    room = sympy.symbols("r", positive=True)
    require_equal((distance + r_y + r_z) / room, distance / room + (r_y + r_z) / room, "δ = G(‖r_y‖ + ‖r_z‖)")


def _induction() -> None:
    # hypothesis d_n = B_n + A_n − r, with B_{n+1} = G B_n the bound and A_{n+1} = G A_n + δ_n the allowance
    growth, bound, allowance, local, r, g = sympy.symbols("G B A delta r g", nonnegative=True)
    new = growth * (bound + allowance - r) + local - g
    require_at_most(new, growth * bound + (growth * allowance + local), growth * r + g, "d_{n+1} ≤ B_{n+1} + A_{n+1}")
    require_equal(bound + 0, bound, "d_0 = B_0, A_0 = 0")


def _closed_form() -> None:
    # A_n = Σ_{i<n} G^{n−1−i}δ_i: term i of A_{n+1} is G times term i of A_n, and the newest has weight 1
    growth = sympy.symbols("G", positive=True)
    n, i = sympy.symbols("n i", integer=True, nonnegative=True)
    weight = growth ** (n - 1 - i)
    require_equal(weight.subs(n, n + 1), growth * weight, "G·G^{n−1−i} = G^{n−i}")
    require_equal(weight.subs(n, n + 1).subs(i, n), 1, "δ_n enters A_{n+1} with weight 1")
    # in full for constant δ: the geometric sum (Gⁿ − 1)/(G − 1) obeys the recursion from 0
    local = sympy.symbols("delta", nonnegative=True)
    total = local * (growth**n - 1) / (growth - 1)
    require_equal(total.subs(n, 0), 0, "A_0 = 0")
    require_equal(sympy.expand_power_exp(total.subs(n, n + 1)), growth * total + local, "A_{n+1} = G A_n + δ")


def _stages() -> None:
    # an error κ_j in every stage value: E = xA E + κ, so E = (I − xA)⁻¹κ and the end gets bᵀ(I − xA)⁻¹κ, with |A|, |b|.
    # Explicit with three stages: the row is a polynomial in x with nonnegative coefficients
    x, y = sympy.symbols("x y", nonnegative=True)
    a_21, a_31, a_32, b_1, b_2, b_3 = sympy.symbols("a_21 a_31 a_32 b_1 b_2 b_3", nonnegative=True)
    tableau = sympy.Matrix([[0, 0, 0], [a_21, 0, 0], [a_31, a_32, 0]])
    weights, ones = sympy.Matrix([[b_1, b_2, b_3]]), sympy.ones(3, 1)
    row = weights * (sympy.eye(3) + x * tableau + x**2 * tableau**2)
    require_equal(row * (sympy.eye(3) - x * tableau), weights, "bᵀ(I − xA)⁻¹, as A³ = 0")
    growth = 1 + x * (row * ones)[0]  # G(x) = 1 + x bᵀ(I − xA)⁻¹𝟙
    quotient = sympy.expand(sympy.cancel((growth - 1) / x))
    for stage in range(3):
        others = sympy.expand(sum(row[k] for k in range(3) if k != stage))
        require_at_most(sympy.expand(row[stage]), quotient, others, f"stage {stage + 1}'s factor is at most (G − 1)/x")
    # it does not fall: taken at x + y with y ≥ 0 it is larger by a polynomial with nonnegative coefficients
    rise = sympy.expand(quotient.subs(x, x + y) - quotient)
    require(rise.is_nonnegative, "(G(x) − 1)/x does not fall with x")
