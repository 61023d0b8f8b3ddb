"""An adaptive solve lies near the same method on a fixed grid, and so do the logit gaps behind it.

Statement.  φ the exact flow, Φ what an adaptive solver returns with steps of at most H, Ψ the method with equal steps
            h ≤ H, C_h with ‖solve − flow‖ ≤ C_h‖f(start)‖ for every grid with steps of at most h. For ‖a − s‖ ≤ d and
            ‖f(s)‖ ≤ v, ‖Φ(a) − Ψ(s)‖ ≤ C_H(v + Kd) + e^{μT}d + C_h v. A layer of constant L that rounds at most ρ takes
            d to Ld + ρ. Where features differ by at most d in the dual norm's sense, the gap of the true network is at
            least that of the one on fixed grids less ‖w_y − w_j‖_* d.
Proof.      ‖f(a)‖ ≤ v + Kd. Then the triangle inequality over Φ(a), φ(a), φ(s), Ψ(s), term by term. For the gap, as in
            Hölder's inequality: |Σ_k w_k Δ_k| ≤ Σ_k|w_k| d in L∞; in L2 by Cauchy and Schwarz.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement=(
        "‖Φ(a) − Ψ(s)‖ ≤ C_H(v + Kd) + e^{μT}d + C_h v for an adaptive solve Φ and the same method Ψ on a fixed grid; "
        "gaps differ by at most ‖w_y − w_j‖_* times the distance of the features"
    ),
    assumptions=(
        "f is autonomous; K and μ hold on all states",
        "‖Φ(a) − φ(a)‖ ≤ C_H‖f(a)‖ and ‖Ψ(s) − φ(s)‖ ≤ C_h‖f(s)‖ (proofs/coq/adaptive_affine_bound.v)",
        "‖φ(a) − φ(s)‖ ≤ e^{μT}‖a − s‖ (proofs/coq/exact_flow_in_any_norm.v)",
    ),
    source="theory, section 8; natrob_theory/bounds/adaptive/fixed_grid.py",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """The solve, a layer behind it, and the gap."""
    _solve()
    _layer()
    _gap()


def _solve() -> None:
    own, fixed, growth = sympy.symbols("C_H C_h g", nonnegative=True)
    speed, lipschitz, distance = sympy.symbols("v K d", nonnegative=True)
    below = sympy.symbols("s_0:7", nonnegative=True)  # what every inequality leaves
    apart = distance - below[0]  # ‖a − s‖
    at_s = speed - below[1]  # ‖f(s)‖
    at_a = at_s + lipschitz * apart - below[2]  # ‖f(a)‖
    adaptive, flows, grid = own * at_a - below[3], growth * apart - below[4], fixed * at_s - below[5]
    total = adaptive + flows + grid - below[6]
    bound = own * (speed + lipschitz * distance) + growth * distance + fixed * speed
    left = own * (below[1] + lipschitz * below[0] + below[2]) + growth * below[0] + fixed * below[1] + sum(below[3:])
    require_at_most(total, bound, left, "the triangle inequality over Φ(a), φ(a), φ(s), Ψ(s)")


def _layer() -> None:
    lipschitz, distance, rounded = sympy.symbols("L d r", nonnegative=True)
    below = sympy.symbols("s_0:3", nonnegative=True)
    moved = lipschitz * (distance - below[0]) - below[1] + rounded - below[2]
    left = lipschitz * below[0] + below[1] + below[2]
    require_at_most(moved, lipschitz * distance + rounded, left, "a layer, and what it rounds")


def _gap() -> None:
    sizes, shorter = sympy.symbols("w_0:3", nonnegative=True), sympy.symbols("s_0:3", nonnegative=True)
    distance = sympy.Symbol("d", nonnegative=True)
    change = sum(w * (distance - s) for w, s in zip(sizes, shorter, strict=True))
    left = sum(w * s for w, s in zip(sizes, shorter, strict=True))
    require_at_most(change, sum(sizes) * distance, left, "the change of a gap in L∞")
    more = sympy.Symbol("m", positive=True)
    threshold = sum(sizes) * distance
    require_at_most(0, threshold + more - change, more + left, "a gap above its threshold stays positive")
