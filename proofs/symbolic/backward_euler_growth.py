"""Backward Euler from K alone: G(x) = 1/(1 − x) for x = hK < 1, attained by f = Ky.

Statement.  y₁ = y + hf(t₁, y₁), with f(t₁, ·) K-Lipschitz and x < 1: ‖e₁‖ ≤ ‖e‖/(1 − x), no smaller factor will do,
            and for x ≥ 1 there is no factor that serves all f.
Proof.      e₁ = e + hΔf, ‖Δf‖ ≤ K‖e₁‖, so ‖e₁‖ ≤ ‖e‖ + x‖e₁‖. For f = Ky the step is y₁ = y/(1 − x). A field with
            a smaller constant K′ is K-Lipschitz too, and 1/(1 − hK′) takes every value above 1.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal

CLAIM = Claim(
    statement="‖e₁‖ ≤ ‖e‖/(1 − hK) for hK < 1, attained by f = Ky; no factor for hK ≥ 1",
    assumptions=(
        "f(t₁, ·) is K-Lipschitz",
        "both steps solve the implicit equation, which has one solution for hK < 1 by Banach's theorem",
    ),
    source="the paper's (16); theory, section 1",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """The inequality solved for ‖e₁‖, the field that leaves no slack, and what happens from x = 1 on."""
    x, size, after, slack = sympy.symbols("x E E_1 q", nonnegative=True)
    # ‖e₁‖ = ‖e‖ + x‖e₁‖ − q, where q ≥ 0 is what both inequalities leave
    (solution,) = sympy.solve(sympy.Eq(after, size + x * after - slack), after)
    # x = 1 − d with d > 0
    d = sympy.symbols("d", positive=True)
    left = sympy.cancel((size / (1 - x) - solution).subs(x, 1 - d))
    require_equal(left, slack / d, "‖e‖/(1 − x) − ‖e₁‖ = q/(1 − x)")
    require((slack / d).is_nonnegative, "‖e₁‖ ≤ ‖e‖/(1 − x)")
    # f = Ky, of which e₁ = e + x e₁ is the difference of two steps
    error, following = sympy.symbols("e e_1")
    (attained,) = sympy.solve(sympy.Eq(following, error + x * following), following)
    require_equal(attained, error / (1 - x), "f = Ky: e₁ = e/(1 − x)")
    # f = K′y with hK′ = 1 − 1/(1 + c) grows by 1 + c, for every c ≥ 0, and is K-Lipschitz if hK = 1 + r ≥ 1
    c, r = sympy.symbols("c r", nonnegative=True)
    smaller = 1 - 1 / (1 + c)
    require_equal((1 / (1 - x)).subs(x, smaller), 1 + c, "any factor is reached")
    require(((1 + r) - smaller).is_positive, "hK is more than hK′")
