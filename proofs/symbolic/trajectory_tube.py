"""The tube of a trajectory: local constants on growing balls bound every solution that starts near the clean one.

Statement.  r_{n+1} = G(hK(B(y_n, r_n)))r_n: solutions with ‖z_0 − y_0‖ ≤ r_0 have ‖z_n − y_n‖ ≤ r_n. Stage by stage:
            stage i departs by at most ρ_i = r + hΣ|a_ij|K_jρ_j, K_j the constant on the ball of radius ρ_j around the
            clean stage j, and the step's end by r + hΣ|b_j|K_jρ_j. With w, η in place of r: a reach wr + η keeps this
            form. Backward Euler: ρ = (r + ‖residual‖)/(1 − hK), and any K that holds where the solution is may be used.
Proof.      Induction over the steps, in each over the stages: K_j may be used as its ball was shown to hold the stage.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement="r_{n+1} = G(hK(B(y_n, r_n)))r_n bounds ‖z_n − y_n‖ for every start within r_0",
    assumptions=("K(B) is an upper Lipschitz constant between any point of B and its centre", "a fixed grid"),
    source="theory, section 5; natrob_theory/bounds/tube/tube_bound.py, step_balls.py",
    verdict=Verdict.PROVED,
)

h = sympy.symbols("h", positive=True)


def check() -> None:
    """Euler, stages, the two parts of a reach, backward Euler's smaller ball."""
    _euler()
    _stage()
    _two_parts()
    _backward_euler()


def _euler() -> None:
    # ‖e‖ = r − s within the ball, so ‖Δf‖ = K‖e‖ − g there; ‖e + hΔf‖ = ‖e‖ + h‖Δf‖ − d
    radius, constant, g, d = sympy.symbols("r K g d", nonnegative=True)
    s, inside = sympy.symbols("s e", nonnegative=True)  # ‖e‖ = e and r = e + s
    moved = inside + h * (constant * inside - g) - d
    rest = (1 + h * constant) * s + h * g + d
    require_at_most(moved, (1 + h * constant) * (inside + s), rest, "‖e_{n+1}‖ ≤ (1 + hK(B))r_n = r_{n+1}")
    require_equal((1 + h * constant) * radius, radius + h * constant * radius, "base + visit(base)")


def _stage() -> None:
    # hypothesis: stage j departs by σ_j = ρ_j − s_j, within its ball; so its slopes depart by K_jσ_j − g_j. Two earlier
    # stages stand for all of them, as each adds a term of the same form
    weights = sympy.symbols("a_1 a_2", real=True)
    constants, inside, room, gaps = (sympy.symbols(f"{name}_1 {name}_2", nonnegative=True) for name in "Kesg")
    start, start_room, d = sympy.symbols("e s d", nonnegative=True)
    departure, reach = start - d, start + start_room
    rest = start_room + d
    for weight, constant, size, left, gap in zip(weights, constants, inside, room, gaps, strict=True):
        departure += h * sympy.Abs(weight) * (constant * size - gap)
        reach += h * sympy.Abs(weight) * constant * (size + left)
        rest += h * sympy.Abs(weight) * (constant * left + gap)
    require_at_most(departure, reach, rest, "ρ_i = r + hΣ|a_ij|K_jρ_j")


def _two_parts() -> None:
    # reaches (w, η) with radius wr + η: sums and multiples by hK act on both parts, an error ε adds to η alone
    radius, w, v, eta, theta, constant, error = sympy.symbols("r w v eta theta K epsilon", nonnegative=True)
    require_equal(
        (w * radius + eta) + (h * constant * (v * radius + theta) + error),
        (w + h * constant * v) * radius + (eta + h * constant * theta + error),
        "the new reach is again wr + η",
    )


def _backward_euler() -> None:
    # e′ = e + hΔ′ + residuals: ‖e′‖ ≤ ‖e‖ + hK‖e′‖ + ρ for any K that holds between the two new states, r = 1 − hK > 0
    room = sympy.symbols("q", positive=True)
    constant = (1 - room) / h
    start, residual, gap = sympy.symbols("e rho g", nonnegative=True)
    new = (start + residual - gap) / room
    require_equal(new, start + h * constant * new + residual - gap, "‖e′‖ = ‖e‖ + hK‖e′‖ + ρ − g")
    require_at_most(new, (start + residual) / room, gap / room, "‖e′‖ ≤ (‖e‖ + ρ)/(1 − hK)")
    # K of the whole space gives a first ball, which holds z′; its own constant, K − k with k ≥ 0, holds between y′ and
    # z′, so the same bound with it is valid and not larger; and so on
    k = sympy.symbols("k", nonnegative=True)
    refined = (start + residual) / (room + h * k)
    require_at_most(refined, (start + residual) / room, (start + residual) * h * k / (room * (room + h * k)), "smaller")
    require((room + h * k).is_positive, "1 − h(K − k) > 0")
