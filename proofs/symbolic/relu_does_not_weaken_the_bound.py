"""Refuted: with ReLU only a weaker bound than (10) is left, since ReLU is not continuous or not Lipschitz.

Statement (refuted).  A block with ReLU falls outside (10), and the product (12) of its layers' norms is a weaker
                      bound.
Counterexample.       y + h·θ·ReLU(y) with θ > 0 on positive y: it stretches by exactly 1 + hθ, the bound that (10)
                      and (12) give. ReLU is continuous, and |ReLU(z) − ReLU(y)| ≤ |z − y| for all z, y.
Proof.                Four cases by the signs of z and y; entrywise for vectors.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal

CLAIM = Claim(
    statement="ReLU is not Lipschitz continuous, so that (12) gives a network with ReLU only a weaker bound",
    assumptions=("h > 0", "2-norm for vectors"),
    source="the paper's (12); theory, section 2",
    verdict=Verdict.REFUTED,
)


def _relu(value: sympy.Expr) -> sympy.Expr:
    """max(0, value), which sympy evaluates where the sign is known."""
    return sympy.Max(0, value)


def check() -> None:
    """The four cases, vectors, continuity, and the block that attains the bound."""
    _four_cases()
    _vectors()
    _continuity()
    _attained()


def _four_cases() -> None:
    """|ReLU(z) − ReLU(y)| ≤ |z − y|."""
    p, q = sympy.symbols("p q", nonnegative=True)  # every real number is p or −p
    # z, y ≥ 0: ReLU changes neither
    require_equal(_relu(p) - _relu(q), p - q, "both nonnegative: equality")
    # z ≥ 0 ≥ y = −q: |z − y| − |ReLU(z) − ReLU(y)| = (p + q) − p = q ≥ 0
    require_equal(abs(p + q) - abs(_relu(p) - _relu(-q)), q, "z ≥ 0 ≥ y: the gap is −y")
    # z = −p ≤ 0 ≤ y: the gap is p
    require_equal(abs(-p - q) - abs(_relu(-p) - _relu(q)), p, "z ≤ 0 ≤ y: the gap is −z")
    require(p.is_nonnegative and q.is_nonnegative, "both gaps are at least 0")
    # z, y ≤ 0: both become 0
    require_equal(_relu(-p) - _relu(-q), 0, "both nonpositive: 0")
    require(abs(p - q).is_nonnegative, "0 ≤ |z − y|")


def _vectors() -> None:
    """‖ReLU(z) − ReLU(y)‖₂² ≤ ‖z − y‖₂²: a sum over entries, one entry more by induction."""
    distance, change, hypothesis_slack, entry_slack = sympy.symbols("D c q s", nonnegative=True)
    # D is Σ(z_i − y_i)² over the entries so far; |z − y| = c + s in the next entry, where ReLU's change is c
    changed = distance - hypothesis_slack
    gap = hypothesis_slack + 2 * change * entry_slack + entry_slack**2
    require_equal((distance + (change + entry_slack) ** 2) - (changed + change**2), gap, "the gap is q + 2cs + s²")
    require(gap.is_nonnegative, "q + 2cs + s² ≥ 0")


def _continuity() -> None:
    """A 1-Lipschitz map is continuous with δ = ε; at the kink both one-sided limits are ReLU(0) = 0."""
    x = sympy.Symbol("x", real=True)
    for side in ("+", "-"):
        require_equal(sympy.limit(_relu(x), x, 0, side), _relu(sympy.Integer(0)), "lim ReLU(x) = ReLU(0) at 0")


def _attained() -> None:
    """y + hθReLU(y) on y > 0 stretches by 1 + hθ, (10)'s factor with the K = |θ| of (12)."""
    h, weight, y, apart = sympy.symbols("h θ y d", positive=True)
    z = y + apart

    def block(point: sympy.Expr) -> sympy.Expr:
        return point + h * weight * _relu(point)

    require_equal(block(z) - block(y), (1 + h * weight) * (z - y), "the block stretches by exactly 1 + hθ")
