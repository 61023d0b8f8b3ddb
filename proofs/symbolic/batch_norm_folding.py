"""Batch norm in eval mode is a diagonal map, folded into the linear layer before it.

Statement.  Two inputs x, x′ with y = γ(x − mean)/√(v + eps) + shift differ afterwards by diag(s)(x − x′),
            s = γ/√(v + eps). So its constant is max|s|, ‖diag(s)W‖₂ ≤ max|s|·‖W‖₂, in general not equal, and
            a convolution followed by it is the convolution with kernel s_o·c_{o,i,t}.
Proof.      Entry by entry.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement="eval-mode batch norm has the constant max|s|, s = γ/√(v + eps), and ‖diag(s)W‖ ≤ max|s|·‖W‖",
    assumptions=("running statistics v ≥ 0, eps > 0, the same for both inputs",),
    source="theory, section 5; natrob_theory/layers/batch_norm.py",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """The diagonal, its norm, the folding."""
    x, other, gamma, mean, shift = sympy.symbols("x z gamma m beta", real=True)
    variance, eps = sympy.symbols("v", nonnegative=True), sympy.symbols("eps", positive=True)
    scale = gamma / sympy.sqrt(variance + eps)

    def batch_norm(value: sympy.Expr) -> sympy.Expr:
        return gamma * (value - mean) / sympy.sqrt(variance + eps) + shift

    require_equal(batch_norm(x) - batch_norm(other), scale * (x - other), "mean and shift drop out")
    # one term of ‖diag(s)u‖² = Σ s_i²u_i², with |s_i| = M − d_i and M = c_i + d_i the largest: at most M²u_i²
    c, d = sympy.symbols("c d", nonnegative=True)
    u = sympy.symbols("u", real=True)
    require_at_most((c * u) ** 2, (c + d) ** 2 * u**2, (2 * c * d + d**2) * u**2, "s²u² ≤ M²u²")
    # so ‖diag(s)Wx‖ ≤ M‖Wx‖ ≤ M‖W‖‖x‖; a unit vector at the largest |s_i| attains M, with W = I
    largest, norm, size, gap, rest = sympy.symbols("M w n g r", nonnegative=True)
    require_at_most(largest * (norm * size - gap) - rest, largest * norm * size, largest * gap + rest, "‖diag(s)W‖")
    # not equal in general: s = (1, 2), W = diag(2, 1) has ‖diag(s)W‖ = 2 < 4
    folded = sympy.diag(1, 2) * sympy.diag(2, 1)
    require_equal(folded, 2 * sympy.eye(2), "diag(s)W = 2I")
    require(sympy.Integer(2) < sympy.Max(1, 2) * sympy.Max(2, 1), "2 < max|s|·‖W‖ = 4")
    # folding: s(c·x + b − mean) + shift = (sc)·x + (s(b − mean) + shift), one tap and one bias for all
    tap, bias, s = sympy.symbols("c_t b s", real=True)
    require_equal(s * (tap * x + bias - mean) + shift, (s * tap) * x + (s * (bias - mean) + shift), "the folded layer")
