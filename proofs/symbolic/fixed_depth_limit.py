"""Refuted: taking h → 0 at a fixed number of blocks leads to the differential equation.

Statement (refuted).  A network of n blocks with a smaller and smaller step size h comes closer and closer to the flow
                      of Theorem 3.2 over [t0, b] (one reading of the paper's Figure 1).
Counterexample.       f(y) = y, n = 1, T = 1: the network multiplies by 1 + h → 1, the flow multiplies by e > 2.
In general.           At fixed n the interval is T = nh → 0, the factor (1 + hK)^n → 1, and the trunk tends to the
                      identity: ‖y_n − y_0‖ ≤ F((1 + hK)^n − 1)/K → 0 with F = max ‖f(t_i, y_0)‖. The limit of the
                      theorem keeps T fixed and lets n = T/h → ∞; there (1 + hK)^n → e^{KT}.

So fewer perturbations grow as h → 0 at fixed depth for a trivial reason: nothing of the trunk is left.
"""

from fractions import Fraction

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import exponential_enclosure, require, require_different, require_equal

CLAIM = Claim(
    statement="At a fixed number of blocks n, h → 0 brings the network to the flow of dy/dt = f over [t0, b]",
    assumptions=("Euler's method (2)", "f(t, ·) is K-Lipschitz, K > 0", "‖f(t, y_0)‖ is bounded in t"),
    source="the paper's Figure 1 with Theorem 3.2; theory, section 2",
    verdict=Verdict.REFUTED,
)

h, K, T = sympy.symbols("h K T", positive=True)
n = sympy.Symbol("n", integer=True, positive=True)


def check() -> None:
    """The two limits, the distance of the trunk from the identity, and the counterexample."""
    _limits()
    _distance_from_the_identity()
    _counterexample()


def _limits() -> None:
    """n fixed and T fixed are different limits of the same factor."""
    factor = (1 + h * K) ** n
    require_equal(sympy.limit(factor, h, 0, "+"), 1, "n fixed: (1 + hK)^n → 1")
    require_equal(sympy.limit(n * h, h, 0, "+"), 0, "n fixed: T = nh → 0")
    steps = sympy.Symbol("N", positive=True)
    require_equal(sympy.limit((1 + K * T / steps) ** steps, steps, sympy.oo), sympy.exp(K * T), "T fixed: → e^{KT}")


def _distance_from_the_identity() -> None:
    """d_k = ‖y_k − y_0‖ ≤ F((1 + hK)^k − 1)/K, which tends to 0 with h."""
    largest, error, error_slack, step_slack = sympy.symbols("F d q s", nonnegative=True)
    k = sympy.Symbol("k", integer=True, nonnegative=True)
    bound = largest * ((1 + h * K) ** k - 1) / K
    require_equal(bound.subs(k, 0), 0, "d_0 = 0")
    # ‖f(t_k, y_k)‖ ≤ ‖f(t_k, y_0)‖ + K d_k ≤ F + K d_k, so d_{k+1} ≤ d_k + h(F + K d_k): both slacks are in s
    following = error + h * (largest + K * error) - step_slack
    gap = (1 + h * K) * error_slack + step_slack
    require_equal(bound.subs(k, k + 1) - following.subs(error, bound - error_slack), gap, "the gap is (1 + hK) q + s")
    require(gap.is_nonnegative, "(1 + hK) q + s ≥ 0")
    require_equal(sympy.limit(bound.subs(k, n), h, 0, "+"), 0, "n fixed: d_n → 0")


def _counterexample() -> None:
    """One block for f(y) = y against the flow over T = 1."""
    limit = sympy.limit(1 + h, h, 0, "+")
    below, _ = exponential_enclosure(Fraction(1))
    require(below > 2, "e > 2")
    require_different(limit, sympy.exp(1), "the network's limit 1 is not the flow's e")
