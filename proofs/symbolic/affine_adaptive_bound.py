"""Two adaptive solves, each on its own grid: ‖e‖ ≤ e^{μT}‖ε‖ + E_y + E_z.

Statement.  E = Σ_j e^{μ(T − t_{j+1})}‖LTE_j‖ bounds the distance of a numerical solution from the exact one, LTE_j the
            true local error of step j. So ‖z_N − y_N‖ ≤ e^{μT}‖ε‖ + E_y + E_z. No c‖ε‖ bounds it in general
            (adaptive_steps_jump.py).
Proof.      Lady Windermere's fan, by induction over the steps; the exact flow's bound is exact_flow_one_sided.py.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement="‖e(T)‖ ≤ e^{μT}‖ε‖ + E_y + E_z with E = Σ e^{μ(T − t_{j+1})}‖LTE_j‖",
    assumptions=("the flow's bound e^{μt} between any two exact solutions", "LTE_j are true local errors"),
    source="theory, section 4; natrob_theory/checks/adaptive_bounds.py (Hairer, Nørsett, Wanner I, II.3)",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """The fan and the three parts of the distance."""
    _fan()
    _three_parts()


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
