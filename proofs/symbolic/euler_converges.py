"""A residual network tends to the differential equation where its weights follow a smooth function of time.

Statement.  y_{n+1} = y_n + h f(t_n, y_n), such as f(t, y) = F(θ(t), y), from the start of a solution y of y′ = f(t, y):
            ‖y_n − y(t_n)‖ ≤ hM(e^{KT} − 1)/(2K) for nh ≤ T, so it tends to 0 as h → 0 with T = nh fixed.
Proof.      One step from the solution misses it by ‖∫₀ʰ (y′(t + s) − y′(t)) ds‖ ≤ ∫₀ʰ Ms ds = h²M/2; earlier errors
            grow by 1 + hK (discrete_bound.py), and (1 + hK)^n ≤ e^{nhK} (discrete_below_exponential.py).

Neither condition can go: fixed_depth_limit.py, weights_without_a_limit.py. ReLU is no obstacle: M asks for no second
derivative.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal

CLAIM = Claim(
    statement="A residual network with θ_n = θ(t_n) and T = nh fixed is within hM(e^{KT} − 1)/(2K) of its flow",
    assumptions=(
        "f(t, ·) is K-Lipschitz, K > 0",
        "y′ is M-Lipschitz in time, as for a Lipschitz θ(t)",
        "h > 0, nh ≤ T",
    ),
    source="the paper's 3.2, (13); theory, section 2; Hairer, Nørsett, Wanner I, I.7",
    verdict=Verdict.PROVED,
)

h, K, T = sympy.symbols("h K T", positive=True)
M = sympy.Symbol("M", nonnegative=True)


def check() -> None:
    """The error of one step, of n steps, and their limit."""
    time = sympy.Symbol("s", nonnegative=True)
    local = sympy.integrate(M * time, (time, 0, h))
    require_equal(local, h**2 * M / 2, "∫₀ʰ Ms ds")
    # B_n = (hM/2K)((1 + hK)^n − 1): with D_n = B_n − q, the next error falls short of B_{n+1} by (1 + hK)q + s
    n = sympy.Symbol("n", integer=True, nonnegative=True)
    bound = h * M / (2 * K) * ((1 + h * K) ** n - 1)
    short, slack = sympy.symbols("q s", nonnegative=True)
    following = (1 + h * K) * (bound - short) + local - slack
    gap = (1 + h * K) * short + slack
    require_equal(bound.subs(n, 0), 0, "both start at the same state")
    require_equal(bound.subs(n, n + 1) - following, gap, "the induction's step")
    require(gap.is_nonnegative, "(1 + hK)q + s ≥ 0")
    # with (1 + hK)^n = e^{KT} − r
    rest = sympy.Symbol("r", nonnegative=True)
    limit = h * M / (2 * K) * (sympy.exp(K * T) - 1)
    difference = limit - h * M / (2 * K) * (sympy.exp(K * T) - rest - 1)
    require_equal(difference, h * M * rest / (2 * K), "B_n falls short of the bound by hMr/(2K)")
    require((h * M * rest / (2 * K)).is_nonnegative, "hMr/(2K) ≥ 0")
    require_equal(sympy.limit(limit, h, 0, "+"), 0, "T fixed: → 0")
