"""Two adaptive solves, each on its own grid: ‖e‖ ≤ e^{μT}‖ε‖ + E_y + E_z, and no bound c‖ε‖.

Statement.  E = Σ_j e^{μ(T − t_{j+1})}‖LTE_j‖ bounds the distance of a numerical solution from the exact one, LTE_j the
            true local error of step j. So ‖z_N − y_N‖ ≤ e^{μT}‖ε‖ + E_y + E_z. No c‖ε‖ bounds it in general:
            accepting or rejecting a step makes the numerical map jump.
Proof.      Lady Windermere's fan, by induction over the steps; the exact flow's bound is exact_flow_one_sided.py.
            A solver with one test, for y′ = y, that jumps by ¼ at y = 1.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement="‖e(T)‖ ≤ e^{μT}‖ε‖ + E_y + E_z with E = Σ e^{μ(T − t_{j+1})}‖LTE_j‖; no bound c‖ε‖ follows",
    assumptions=("the flow's bound e^{μt} between any two exact solutions", "LTE_j are true local errors"),
    source="theory, section 4; natrob_theory/checks/adaptive_bounds.py (Hairer, Nørsett, Wanner I, II.3)",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """The fan, the three parts of the distance, and the jump."""
    _fan()
    _three_parts()
    _jump()


def _fan() -> None:
    # D_n = ‖y_n − y(t_n)‖. The flow from y_n ends within e^{μh}D_n of y(t_{n+1}), and y_{n+1} within ‖LTE_n‖ of it
    mu = sympy.symbols("mu", real=True)
    growth, local, gap, below = sympy.symbols("g l d r", nonnegative=True)  # g stands for e^{μh_n} > 0
    bound = sympy.symbols("B", nonnegative=True)
    # hypothesis D_n = B_n − r; then D_{n+1} = e^{μh}D_n + ‖LTE_n‖ − d is at most B_{n+1} = e^{μh}B_n + ‖LTE_n‖
    require_at_most(
        growth * (bound - below) + local - gap, growth * bound + local, growth * below + gap, "the induction's step"
    )
    # B_n = Σ_{j<n} e^{μ(t_n − t_{j+1})}‖LTE_j‖ obeys that recursion: term j by term j, and the new term has weight 1
    now, then, earlier = sympy.symbols("t_n t_next t_j", real=True)
    term = sympy.exp(mu * (now - earlier)) * local
    require_equal(sympy.exp(mu * (then - now)) * term, term.subs(now, then), "an old term is carried by e^{μh}")
    require_equal(term.subs({now: then, earlier: then}), local, "the newest term has weight 1")
    # the start is exact: D_0 = 0, the empty sum
    steps = sympy.symbols("n", integer=True, nonnegative=True)
    index = sympy.symbols("j", integer=True)
    empty = sympy.Sum(sympy.Function("l")(index), (index, 0, steps - 1)).subs(steps, 0).doit()
    require_equal(empty, 0, "B_0 = 0")


def _three_parts() -> None:
    # z_N − y_N = (z_N − z(T)) + (z(T) − y(T)) − (y_N − y(T)); the parts fall short of their bounds by a, b, c, the
    # triangle inequality by d
    flow, own, other = sympy.symbols("F E_y E_z", nonnegative=True)
    a, b, c, d = sympy.symbols("a b c d", nonnegative=True)
    distance = (other - a) + (flow - b) + (own - c) - d
    require_at_most(distance, flow + own + other, a + b + c + d, "‖z_N − y_N‖ ≤ e^{μT}‖ε‖ + E_y + E_z")


def _jump() -> None:
    # y′ = y over T = 1. The solver tries Euler with h = 1; its embedded estimate is the distance to Heun's value, y/2.
    # It accepts if that is at most ½, else it takes two steps of ½
    y, size = sympy.symbols("y h", positive=True)
    euler = y + size * y
    heun = y + size * (y + euler) / 2
    require_equal((heun - euler).subs(size, 1), y / 2, "the estimate at h = 1")
    accepted = euler.subs(size, 1)
    half = sympy.Rational(1, 2)
    rejected = (euler.subs(size, half) + size * euler.subs(size, half)).subs(size, half)
    require_equal(accepted, 2 * y, "accepted for y ≤ 1")
    require_equal(rejected, sympy.Rational(9, 4) * y, "rejected for y > 1")
    # from y = 1 (accepted) and from 1 + ε (rejected): the distance is ¼ + 9ε/4, for every ε > 0
    epsilon, constant = sympy.symbols("epsilon c", positive=True)
    distance = rejected.subs(y, 1 + epsilon) - accepted.subs(y, 1)
    require_equal(distance, half / 2 + sympy.Rational(9, 4) * epsilon, "the distance at the end")
    # whatever c: at ε = 1/(4c) it exceeds cε = ¼
    excess = (distance - constant * epsilon).subs(epsilon, 1 / (4 * constant))
    require(sympy.simplify(excess).is_positive, "no c‖ε‖ bounds it")
    # the affine bound does: with e = e^1 between 5/2 and 3, the errors e − 2 and (1 + ε)(e − 9/4) make up for it
    e = sympy.exp(1)
    affine = e * epsilon + (e - 2) + (1 + epsilon) * (e - sympy.Rational(9, 4))
    require_equal(affine - distance, (2 * e - sympy.Rational(9, 2)) * (1 + epsilon), "the affine bound holds here")
    require((2 * e - sympy.Rational(9, 2)).is_positive, "2e > 9/2")
