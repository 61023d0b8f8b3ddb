"""PolyNet of order m: G(x) = Σ_{k≤m} x^k = (1 − x^{m+1})/(1 − x), attained by f = Ky.

Statement.  y₁ = y + u₁ + … + u_m, u₁ = hf(t, y), u_{k+1} = hf(t, u_k), with f(t, ·) K-Lipschitz and x = hK:
            ‖e₁‖ ≤ G(x)‖e‖ for every h > 0 and every m ≥ 1, and no smaller factor will do.
Proof.      By induction ‖Δu_k‖ ≤ x^k‖e‖, u₀ = y; sum over k ≤ m. For f = Ky, u_k = x^k y. The closed form by
            induction on m.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal

CLAIM = Claim(
    statement="‖e₁‖ ≤ (1 + x + … + x^m)‖e‖, attained by f = Ky; the sum is (1 − x^{m+1})/(1 − x) for x ≠ 1",
    assumptions=("f(t, ·) is K-Lipschitz", "x = hK", "m ≥ 1"),
    source="the paper's (15); theory, section 1",
    verdict=Verdict.PROVED_FOR_EVERY_STEP,
)


def check() -> None:
    """The terms, their sum, and the field that leaves no slack."""
    x, size = sympy.symbols("x E", nonnegative=True)
    k, m = sympy.symbols("k m", integer=True, nonnegative=True)
    check_terms(x, size, k)
    check_sum(x, size, k)
    check_closed_form(x, m)
    check_attained(x, k)


def check_terms(x: sympy.Symbol, size: sympy.Symbol, k: sympy.Symbol) -> None:
    """‖Δu_k‖ ≤ x^k E with E = ‖e‖, by induction on k."""
    # u₀ = y: ‖Δu₀‖ = E
    require_equal((x**k).subs(k, 0) * size, size, "the start")
    # the hypothesis with slack r ≥ 0, and ‖Δu_{k+1}‖ = h‖f(u_k + Δu_k) − f(u_k)‖ ≤ x‖Δu_k‖ with slack q ≥ 0
    r, q = sympy.symbols("r q", nonnegative=True)
    term = x**k * size - r
    following = x * term - q
    slack = sympy.expand(x ** (k + 1) * size - following)
    require_equal(slack, x * r + q, "what is left of x^{k+1}E")
    require(slack.is_nonnegative, "‖Δu_{k+1}‖ ≤ x^{k+1}E")


def check_sum(x: sympy.Symbol, size: sympy.Symbol, k: sympy.Symbol) -> None:
    """‖e + Δu₁ + … + Δu_k‖ ≤ S_k E with S_0 = 1, S_{k+1} = S_k + x^{k+1}: the triangle inequality, one term more."""
    partial, r, q, p = sympy.symbols("S r q p", nonnegative=True)
    so_far = partial * size - r
    term = x ** (k + 1) * size - q
    longer = so_far + term - p
    slack = sympy.expand((partial + x ** (k + 1)) * size - longer)
    require(slack.is_nonnegative, "S_{k+1} = S_k + x^{k+1}")


def check_closed_form(x: sympy.Symbol, m: sympy.Symbol) -> None:
    """(1 − x)S_m = 1 − x^{m+1} by induction on m."""
    # m = 0: S_0 = 1
    require_equal((1 - x) * 1, (1 - x ** (m + 1)).subs(m, 0), "the start")
    # S_{m+1} = S_m + x^{m+1}
    gained = (1 - x ** (m + 2)) - (1 - x ** (m + 1))
    require_equal((1 - x) * x ** (m + 1), gained, "one term more")


def check_attained(x: sympy.Symbol, k: sympy.Symbol) -> None:
    """f = Ky: u_{k+1} = hK u_k turns x^k y into x^{k+1} y, so every inequality above is an equation."""
    h, lipschitz, state = sympy.symbols("h K y", nonnegative=True)
    term = (h * lipschitz) ** k * state
    require_equal(h * (lipschitz * term), (h * lipschitz) ** (k + 1) * state, "u_{k+1} = x^{k+1}y")
    # in full for m = 2, the paper's network
    first = h * lipschitz * state
    step = state + first + h * lipschitz * first
    require_equal(step.subs(lipschitz, x / h), (1 + x + x**2) * state, "m = 2")
