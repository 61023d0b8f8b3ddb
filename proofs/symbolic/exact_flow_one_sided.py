"""The exact flow under a one-sided constant: ‖e(T)‖ ≤ e^{μT}‖e(0)‖.

Statement.  y′ = f(t, y), z′ = f(t, z), e = z − y with ⟨Δf, e⟩ ≤ μ‖e‖² at every t: ‖e(T)‖ ≤ e^{μT}‖e(0)‖, for any sign
            of μ; attained by f = μy. With μ ≤ K it gives e^{KT}.
Proof.      d/dt‖e‖² = 2⟨Δf, e⟩, so e^{−2μt}‖e‖² has a derivative that is at most 0.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.inner_products import FormalVectors, require_at_most

CLAIM = Claim(
    statement="‖e(T)‖ ≤ e^{μT}‖ε‖ for two solutions of y′ = f(t, y)",
    assumptions=("⟨Δf, e⟩ ≤ μ‖e‖² at every t in [0, T]", "both solutions are differentiable"),
    source="theory, section 3 (Dahlquist 1958; Söderlind 2006); natrob_theory/bounds/growth.py",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """The derivative of ‖e‖², then of e^{−2μt}‖e‖²."""
    t, tau, duration = sympy.symbols("t tau T", positive=True)
    mu = sympy.symbols("mu", real=True)
    # e(t + τ) = e + τ(Δf + ρ) with ρ → 0: the difference quotient of ‖e‖²
    space = FormalVectors("e", "Δf", "ρ")
    e, change, rest = space.vectors
    quotient = sympy.expand((space.square(e + tau * (change + rest)) - space.square(e)) / tau)
    remainder = sympy.expand(quotient - 2 * space.inner(change, e))
    require_equal(
        remainder,
        2 * space.inner(rest, e) + tau * space.square(change + rest),
        "the quotient is 2⟨Δf, e⟩ + 2⟨ρ, e⟩ + τ‖Δf + ρ‖²",
    )
    # ⟨ρ, e⟩, ⟨ρ, Δf⟩ and ‖ρ‖² vanish with ρ, by Cauchy–Schwarz, and the last term with τ
    vanishing = {space.inner(rest, other): 0 for other in (e, change, rest)}
    require_equal(sympy.limit(remainder.subs(vanishing), tau, 0), 0, "d/dt‖e‖² = 2⟨Δf, e⟩")

    # ⟨Δf, e⟩ = μ‖e‖² − s(t) with s ≥ 0
    squared = sympy.Function("E", nonnegative=True)(t)
    s = sympy.Function("s", nonnegative=True)(t)
    weighted = sympy.exp(-2 * mu * t) * squared
    derivative = sympy.diff(weighted, t).subs(sympy.diff(squared, t), 2 * (mu * squared - s))
    require_equal(derivative, -2 * sympy.exp(-2 * mu * t) * s, "(e^{−2μt}‖e‖²)′ = −2e^{−2μt}s")
    require((2 * sympy.exp(-2 * mu * t) * s).is_nonnegative, "so e^{−2μt}‖e‖² does not rise")
    # at T it is at most ‖e(0)‖²: e^{−2μT}‖e(T)‖² = ‖e(0)‖² − d. Roots keep the order
    start, d = sympy.symbols("E_0 d", nonnegative=True)
    end = sympy.exp(2 * mu * duration) * (start - d)
    require_at_most(end, sympy.exp(mu * duration) ** 2 * start, sympy.exp(2 * mu * duration) * d, "‖e(T)‖²")
    # f = μy attains it: e(t) = e^{μt}ε solves e′ = μe
    epsilon = sympy.symbols("epsilon", real=True)
    solution = sympy.exp(mu * t) * epsilon
    require_equal(sympy.diff(solution, t), mu * solution, "e^{μt}ε solves e′ = μe")
    require_equal(solution.subs(t, 0), epsilon, "and starts at ε")
    # μ = K − a with a ≥ 0: e^{μT} = e^{KT}/e^{aT}, and e^{aT} ≥ 1 as ∫₀^{aT} e^x dx ≥ 0
    lipschitz, a, x = sympy.symbols("K a x", nonnegative=True)
    require_equal(
        sympy.exp(lipschitz * duration) / sympy.exp((lipschitz - a) * duration),
        1 + sympy.integrate(sympy.exp(x), (x, 0, a * duration)),
        "e^{KT}/e^{μT} = e^{aT} = 1 + ∫₀^{aT} e^x dx",
    )
    require(sympy.exp(x).is_positive, "e^x > 0")
