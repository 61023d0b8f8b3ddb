"""Rows divided by the Cholesky factor of their inner products have norm at most 1, whatever they were.

Statement.  Let VVᵀ + εI = LLᵀ with ε > 0 and L lower triangular. Then W = L⁻¹V has WWᵀ = I − εL⁻¹L⁻ᵀ, so ‖W‖₂ ≤ 1. Its
            eigenvalues are s²/(s² + ε), s the singular values of V.
Proof.      WWᵀ = L⁻¹(LLᵀ − εI)L⁻ᵀ, and u ↦ ε‖L⁻ᵀu‖² is nonnegative. The eigenvalues: L⁻¹(LLᵀ − εI)L⁻ᵀ is similar to
            (LLᵀ)⁻¹(LLᵀ − εI) = (VVᵀ + εI)⁻¹VVᵀ.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement="VVᵀ + εI = LLᵀ, W = L⁻¹V: WWᵀ = I − εL⁻¹L⁻ᵀ ≤ I, with eigenvalues s²/(s² + ε), s those of V",
    assumptions=("ε > 0", "exact arithmetic"),
    source="natrob_theory/norm_constraints/orthogonal.py",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """The product, its quadratic form, its eigenvalues; written out for two rows."""
    a, c, eps = sympy.symbols("a c epsilon", positive=True)
    b, first, second = sympy.symbols("b u_1 u_2", real=True)
    factor = sympy.Matrix([[a, 0], [b, c]])
    inner = factor * factor.T - eps * sympy.eye(2)  # VVᵀ
    inverse = factor.inv()
    products = inverse * inner * inverse.T
    difference = (products - (sympy.eye(2) - eps * inverse * inverse.T)).applyfunc(sympy.simplify)
    for entry in difference:
        require_equal(entry, 0, "WWᵀ = I − εL⁻¹L⁻ᵀ")
    u = sympy.Matrix([first, second])
    lost = inverse.T * u
    require_at_most(
        (u.T * products * u)[0], (u.T * u)[0], eps * (lost[0] ** 2 + lost[1] ** 2), "‖Wᵀu‖² = ‖u‖² − ε‖L⁻ᵀu‖²"
    )
    similar = factor.inv().T * products * factor.T  # L⁻ᵀ(·)Lᵀ turns it into (LLᵀ)⁻¹VVᵀ
    for entry in (similar - (factor * factor.T).inv() * inner).applyfunc(sympy.simplify):
        require_equal(entry, 0, "similar to (VVᵀ + εI)⁻¹VVᵀ")
    s = sympy.symbols("s", positive=True)
    require_equal(1 - eps / (s**2 + eps), s**2 / (s**2 + eps), "an eigenvector of VVᵀ with eigenvalue s²")
