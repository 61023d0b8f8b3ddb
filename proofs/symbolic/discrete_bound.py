"""‖e_n‖ ≤ (1 + hK)^n ‖ε‖ for every h > 0: the paper's (10).

Statement.  Let f(t, ·) be K-Lipschitz and let y and z be two solutions by Euler's method with e_n = z_n − y_n and
            e_0 = ε. Then ‖e_n‖ ≤ (1 + hK)^n ‖ε‖, and max over 0 ≤ n ≤ N of ‖e_n‖ ≤ (1 + hK)^N ‖ε‖. With step sizes
            h_n and constants K_n the factor is Π (1 + h_n K_n). Both are attained by f = Ky.
Proof.      Induction over n. An inequality a ≤ b enters as a = b − s with a slack s ≥ 0, and one is proved by writing
            b − a as an identity whose terms are all at least 0.

The step size is a positive symbol with nothing else assumed of it: neither h → 0 nor continuity in t is used.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal

CLAIM = Claim(
    statement="‖e_n‖ ≤ (1 + hK)^n ‖ε‖ for Euler's method, so max_{0≤n≤N} ‖e_n‖ ≤ (1 + hK)^N ‖ε‖",
    assumptions=("h > 0", "‖f(t, z) − f(t, y)‖ ≤ K‖z − y‖ for all t, y, z", "‖·‖ is a norm"),
    source="the paper's (10); theory, section 2",
    verdict=Verdict.PROVED_FOR_EVERY_STEP,
)

h = sympy.Symbol("h", positive=True)
K, start = sympy.symbols("K ε", nonnegative=True)  # `start` is ‖ε‖
n = sympy.Symbol("n", integer=True, nonnegative=True)


def check() -> None:
    """One step, the induction, variable steps, the maximum, and the field that attains the bound."""
    _one_step()
    _induction()
    _variable_steps()
    _maximum()
    _attained()


def _one_step() -> None:
    """‖e_{n+1}‖ ≤ (1 + hK)‖e_n‖."""
    # subtracting the two Euler steps: e_{n+1} = e_n + h(f(z_n) − f(y_n))
    y, z, f_y, f_z = sympy.symbols("y z f_y f_z")
    require_equal((z + h * f_z) - (y + h * f_y), (z - y) + h * (f_z - f_y), "e_{n+1} = e_n + hΔf")
    # the Lipschitz condition, and then the triangle inequality, each with its slack
    error, lipschitz_slack, triangle_slack = sympy.symbols("e r s", nonnegative=True)
    slope = K * error - lipschitz_slack
    following = error + h * slope - triangle_slack
    # (1 + hK)‖e_n‖ − ‖e_{n+1}‖ = h r + s ≥ 0
    gap = (1 + h * K) * error - following
    require_equal(gap, h * lipschitz_slack + triangle_slack, "the gap of one step is h r + s")
    require((h * lipschitz_slack + triangle_slack).is_nonnegative, "h r + s ≥ 0")


def _induction() -> None:
    """‖e_n‖ ≤ (1 + hK)^n ‖ε‖ for all n ≥ 0."""
    bound = (1 + h * K) ** n * start
    # n = 0: ‖e_0‖ = ‖ε‖
    require_equal(bound.subs(n, 0), start, "the base case is ‖ε‖ itself")
    # n to n + 1: the hypothesis has slack q, the step just proved has slack s
    hypothesis_slack, step_slack = sympy.symbols("q s", nonnegative=True)
    following = (1 + h * K) * (bound - hypothesis_slack) - step_slack
    gap = (1 + h * K) * hypothesis_slack + step_slack
    require_equal(bound.subs(n, n + 1) - following, gap, "the gap after n + 1 steps is (1 + hK) q + s")
    require(gap.is_nonnegative, "(1 + hK) q + s ≥ 0")


def _variable_steps() -> None:
    """‖e_n‖ ≤ Π_{i<n} (1 + h_i K_i) ‖ε‖, where Π_{i<0} = 1 and Π_{i<n+1} = (1 + h_n K_n) Π_{i<n}."""
    size = sympy.Symbol("h_n", positive=True)
    constant, product, hypothesis_slack, step_slack = sympy.symbols("K_n P_n q s", nonnegative=True)
    # n = 0 is the empty product, ‖e_0‖ = 1·‖ε‖; from n to n + 1 nothing above needed the steps to be equal
    error = product * start - hypothesis_slack
    following = (1 + size * constant) * error - step_slack
    gap = (1 + size * constant) * hypothesis_slack + step_slack
    require_equal((1 + size * constant) * product * start - following, gap, "the gap is (1 + h_n K_n) q + s")
    require(gap.is_nonnegative, "(1 + h_n K_n) q + s ≥ 0")
    # equal steps give back the power: it solves the product's recursion from 1
    require_equal((1 + h * K) ** 0, 1, "(1 + hK)^0 is the empty product")
    require_equal((1 + h * K) ** (n + 1), (1 + h * K) * (1 + h * K) ** n, "(1 + hK)^{n+1} has one factor more")


def _maximum() -> None:
    """The bound after N steps covers all steps before: (1 + hK)^n does not decrease in n."""
    increase = (1 + h * K) ** (n + 1) * start - (1 + h * K) ** n * start
    require_equal(increase, h * K * (1 + h * K) ** n * start, "the increase is hK (1 + hK)^n ‖ε‖")
    require((h * K * (1 + h * K) ** n * start).is_nonnegative, "hK (1 + hK)^n ‖ε‖ ≥ 0")


def _attained() -> None:
    """For f = Ky, which is K-Lipschitz with equality, (1 + hK)^n ε is the error itself."""
    y, z, perturbation = sympy.symbols("y z ε_0", real=True)
    require_equal(abs(K * z - K * y), K * abs(z - y), "|f(z) − f(y)| = K|z − y|")
    # the two Euler steps differ by the factor 1 + hK, and (1 + hK)^n ε solves that recursion from ε
    require_equal((z + h * K * z) - (y + h * K * y), (1 + h * K) * (z - y), "e_{n+1} = (1 + hK) e_n")
    error = (1 + h * K) ** n * perturbation
    require_equal(error.subs(n, 0), perturbation, "e_0 = ε")
    require_equal(error.subs(n, n + 1), (1 + h * K) * error, "e_{n+1} = (1 + hK) e_n is solved")
    require_equal(abs(error), (1 + h * K) ** n * abs(perturbation), "|e_n| = (1 + hK)^n |ε|")
