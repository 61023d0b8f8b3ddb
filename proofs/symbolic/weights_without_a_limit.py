"""Refuted: deeper and deeper residual networks tend to a differential equation whatever their weights are.

Statement (refuted).  For y_{k+1} = y_k + h F(θ_k, y_k) with n blocks, h = T/n and bounded weights chosen for each n,
                      y_n tends to the solution of a differential equation as n → ∞.
Counterexample.       F(θ, y) = θy, T = 1, all weights of the network with n blocks (−1)^n. Networks with an even number
                      of blocks tend to e·y_0, with an odd one to y_0/e: there is no limit.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require_different, require_equal

CLAIM = Claim(
    statement="Residual networks with n blocks and h = T/n tend to a flow as n → ∞, whatever their weights are",
    assumptions=("the counterexample: F(θ, y) = θy, which is 1-Lipschitz for weights in [−1, 1]", "T fixed"),
    source="the paper's 3.2, (13), where the weights follow no function of time; theory, section 2",
    verdict=Verdict.REFUTED,
)


def check() -> None:
    """The two limits for T = 1."""
    n = sympy.Symbol("n", positive=True)
    even, odd = (sympy.limit((1 + weight / n) ** n, n, sympy.oo) for weight in (1, -1))
    require_equal(even, sympy.exp(1), "even: (1 + 1/n)^n → e")
    require_equal(odd, sympy.exp(-1), "odd: (1 − 1/n)^n → 1/e")
    require_different(even, odd, "e is not 1/e")
