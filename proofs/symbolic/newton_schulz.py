"""Newton and Schulz's iteration keeps the norm at most 1 and raises every singular value towards 1.

Statement.  M ← ½M(3 − MᵀM) takes a singular value s to g(s) = s(3 − s²)/2 and keeps the singular vectors. For
            0 < s < 1: s < g(s) < 1, and g(1) = 1; so ‖M‖₂ ≤ 1 is kept, and s_n → 1. 1 − g(s) ≤ (3/2)(1 − s)².
Proof.      M = UΣVᵀ. The identities 1 − g(s) = (1 − s)²(s + 2)/2 and g(s) − s = s(1 − s²)/2.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement="M ← ½M(3 − MᵀM): singular values s < 1 go to s(3 − s²)/2, between s and 1; ‖M‖₂ ≤ 1 is kept",
    assumptions=("‖M‖₂ ≤ 1 at first", "a bounded increasing sequence converges, here to a fixed point of g in (0, 1]"),
    source="natrob_theory/norm_constraints/orthogonal.py (Björck and Bowie 1971)",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """The singular values, the bounds, the fixed point."""
    _singular_values()
    _between()


def _singular_values() -> None:
    # U and V drop out: ½UΣVᵀ(3 − VΣ²Vᵀ) = U(½Σ(3 − Σ²))Vᵀ, here for one singular value and a rotation V
    s, t, angle = sympy.symbols("s t angle", real=True)
    rotation = sympy.Matrix([[sympy.cos(angle), -sympy.sin(angle)], [sympy.sin(angle), sympy.cos(angle)]])
    matrix = sympy.diag(s, t) * rotation.T
    stepped = matrix * (3 * sympy.eye(2) - matrix.T * matrix) / 2
    expected = sympy.diag(s * (3 - s**2) / 2, t * (3 - t**2) / 2) * rotation.T
    for found, wanted in zip(stepped, expected, strict=True):
        require_equal(sympy.trigsimp(sympy.expand(found - wanted)), 0, "the step acts on the singular values alone")


def _between() -> None:
    # s = x/(x + z) covers (0, 1) with visible signs
    x, z = sympy.symbols("x z", positive=True)
    s = x / (x + z)
    image = s * (3 - s**2) / 2
    require_at_most(image, 1, (z / (x + z)) ** 2 * (s + 2) / 2, "g(s) ≤ 1")
    require_equal(image - s, s * (z / (x + z)) * (1 + s) / 2, "g(s) − s = s(1 − s)(1 + s)/2")
    require((s * (z / (x + z)) * (1 + s) / 2).is_positive, "g(s) > s")
    require_at_most(1 - image, sympy.Rational(3, 2) * (1 - s) ** 2, (z / (x + z)) ** 3 / 2, "1 − g(s) ≤ (3/2)(1 − s)²")
    require_equal(sympy.Integer(1) * (3 - 1) / 2, 1, "g(1) = 1")
