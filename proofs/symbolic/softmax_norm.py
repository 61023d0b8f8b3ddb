"""Softmax has the constant ½ in L2.

Statement.  p = eˣ/Σeˣ has the Jacobian diag(p) − ppᵀ, symmetric, and ‖diag(p) − ppᵀ‖₂ ≤ ½, with equality at
            p = (½, ½). Softmin's is the negative of that at −x.
Proof.      The derivative; a symmetric matrix has no eigenvalue above its largest row sum of sizes, which here is
            p_i(1 − p_i) + p_i·Σ_{j≠i} p_j = 2p_i(1 − p_i) ≤ ½.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement="‖diag(p) − ppᵀ‖₂ ≤ ½ for p > 0 of sum 1: softmax is ½-Lipschitz in L2, and no less",
    assumptions=("mean value inequality", "an eigenvalue is at most the largest row sum of sizes (Gershgorin)"),
    source="natrob_theory/layers/softmax.py",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """The Jacobian, its row sums, and where the bound is attained."""
    # x_i = u, x_j = v, and r the sum of the other exponentials, so that any number of entries is meant
    u, v = sympy.symbols("u v", real=True)
    r = sympy.symbols("r", positive=True)
    total = sympy.exp(u) + sympy.exp(v) + r
    first, second = sympy.exp(u) / total, sympy.exp(v) / total
    require_equal(sympy.diff(first, u), first - first**2, "∂p_i/∂x_i = p_i − p_i²")
    require_equal(sympy.diff(first, v), -first * second, "∂p_i/∂x_j = −p_i p_j")
    # the sizes of row i sum to p(1 − p) + p(1 − p): the others sum to 1 − p, and all have the sign said
    p = sympy.symbols("p", real=True)
    row = p * (1 - p) + p * (1 - p)
    require_at_most(row, sympy.Rational(1, 2), 2 * (p - sympy.Rational(1, 2)) ** 2, "2p(1 − p) ≤ ½")
    require((first * second).is_positive, "p_i p_j > 0")
    require_equal(first - first**2, first * (sympy.exp(v) + r) / total, "p − p² = p(1 − p), a product of positives")
    # two equal entries: the Jacobian maps (1, −1) to ½(1, −1)
    half = sympy.Rational(1, 2)
    point = sympy.Matrix([half, half])
    jacobian = sympy.diag(half, half) - point * point.T
    direction = sympy.Matrix([1, -1])
    require_equal(jacobian * direction, half * direction, "½ is an eigenvalue at p = (½, ½)")
    # softmin(x) = softmax(−x)
    require_equal(sympy.diff(first.subs(u, -u), u), -(first - first**2).subs(u, -u), "softmin's is the negative")
