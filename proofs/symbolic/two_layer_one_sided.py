"""The one-sided constant of W₂σ(W₁y + b₁) + b₂ from the intervals of its slopes: two bounds.

Statement.  D = diag(c) + E with |E_i| ≤ r_i, a_i = ⟨w₂ᵢ, v⟩, b_i = ⟨w₁ᵢ, v⟩. Then ⟨v, W₂EW₁v⟩ is at most
            (1) |v|ᵀN|v|, N = ½(|W₂|r|W₁| + transpose), hence at most λ_max(N)‖v‖², and
            (2) ½vᵀ(W₂ r s W₂ᵀ + W₁ᵀ(r/s)W₁)v for all weights s_i > 0.
            For W₂ = −W₁ᵀ, D in [0, 1] and s = 1, (2) gives exactly μ ≤ 0. With s = ‖√rW₁‖/‖W₂√r‖ it is never
            worse than λ_max(sym(W₂cW₁)) + ‖W₂√r‖‖√rW₁‖.
Proof.      E_i = r_i(p − q) with p, q ≥ 0, p + q = 1; ±ab ≤ ½(sa² + b²/s) is a square.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require_equal
from proofs.symbolic.inner_products import FormalVectors, require_at_most

CLAIM = Claim(
    statement="μ ≤ λ_max(sym(W₂cW₁)) + λ_max(N), and μ ≤ λ_max(sym(W₂cW₁) + ½(W₂rsW₂ᵀ + W₁ᵀ(r/s)W₁)) for all s > 0",
    assumptions=("secant slopes of unit i lie in [c_i − r_i, c_i + r_i]", "⟨v, Sv⟩ ≤ λ_max(S)‖v‖² for symmetric S"),
    source="natrob_theory/layers/two_layer.py",
    verdict=Verdict.PROVED,
)

radius, p, q = sympy.symbols("r p q", nonnegative=True)
deviation = radius * (p - q)  # any number in [−r, r], p + q = 1


def check() -> None:
    """Each bound unit by unit, or entry by entry; the matrices of (2); the two special weights; the ball's reach."""
    _entries()
    _squares()
    _matrices_of_the_squares()
    _gradient_flow()
    _one_weight_for_all()
    _reach()


def _entries() -> None:
    # one term w₂·E·w₁·v_j·v_k =: E·x with x = x⁺ − x⁻, |x| = x⁺ + x⁻; p + q = 1 enters as the factor of r|x|
    positive, negative = sympy.symbols("x_p x_m", nonnegative=True)
    x, absolute = positive - negative, positive + negative
    rest = 2 * radius * (p * negative + q * positive)
    require_at_most(deviation * x, (p + q) * radius * absolute, rest, "Ex ≤ r|x|")
    # summed: ⟨v, W₂EW₁v⟩ ≤ |v|ᵀ|W₂|r|W₁||v|, a number equal to its transpose, so N may stand in the middle;
    # shown for a 2×2 product Q = |W₂|r|W₁|, the sum over pairs of indices being the same in every dimension
    q_11, q_12, q_21, q_22, v_1, v_2 = sympy.symbols("q_11 q_12 q_21 q_22 v_1 v_2", nonnegative=True)
    product = sympy.Matrix([[q_11, q_12], [q_21, q_22]])
    v = sympy.Matrix([v_1, v_2])
    require_equal((v.T * product * v)[0], (v.T * ((product + product.T) / 2) * v)[0], "uᵀQu = uᵀ½(Q + Qᵀ)u")


def _squares() -> None:
    a, b = sympy.symbols("a b", real=True)
    root = sympy.symbols("t", positive=True)  # t = √s
    weight = root**2
    bound = (p + q) * radius * (weight * a**2 + b**2 / weight) / 2
    rest = radius * (p * (root * a - b / root) ** 2 + q * (root * a + b / root) ** 2) / 2
    require_at_most(deviation * a * b, bound, rest, "Eab ≤ ½r(sa² + b²/s)")


def _matrices_of_the_squares() -> None:
    # ½Σ r(sa² + b²/s) is ½vᵀ(W₂ r s W₂ᵀ + W₁ᵀ(r/s)W₁)v: unit i contributes two rank-one forms. State of dimension 3
    outer, inner, v = (sympy.Matrix(sympy.symbols(f"{name}_1:4", real=True)) for name in ("w2", "w1", "v"))
    weight = sympy.symbols("s", positive=True)
    form = (radius * weight * outer * outer.T + radius / weight * inner * inner.T) / 2
    sums = radius * (weight * outer.dot(v) ** 2 + inner.dot(v) ** 2 / weight) / 2
    require_equal((v.T * form * v)[0], sums, "the quadratic form of (2)")


def _gradient_flow() -> None:
    # w₂ = −w₁, c = r = ½, s = 1: the unit's part of sym(W₂cW₁) + ½(W₂rsW₂ᵀ + W₁ᵀ(r/s)W₁) is the zero matrix
    inner = sympy.Matrix(sympy.symbols("w1_1:4", real=True))
    outer, half = -inner, sympy.Rational(1, 2)
    middle = half * (outer * inner.T + inner * outer.T) / 2
    squares = (half * outer * outer.T + half * inner * inner.T) / 2
    require_equal(middle + squares, sympy.zeros(3, 3), "the bound of a gradient flow is exactly 0")


def _one_weight_for_all() -> None:
    # ½(sQ² + P²/s) at s = P/Q is PQ, with P = ‖√rW₁‖ and Q = ‖W₂√r‖: λ_max of the sum is at most the sum of these
    large, other = sympy.symbols("P Q", positive=True)
    weight = large / other
    require_equal((weight * other**2 + large**2 / weight) / 2, large * other, "½(sQ² + P²/s) = PQ at s = P/Q")


def _reach() -> None:
    # on B(c, R) the pre-activation differs from the centre's by |⟨w, y − c⟩| ≤ ‖w‖‖y − c‖ ≤ R‖w‖
    space = FormalVectors("w", "y", "c")
    w, y, center = space.vectors
    require_equal(
        space.inner(w, y) - space.inner(w, center), space.inner(w, y - center), "⟨w, y⟩ − ⟨w, c⟩ = ⟨w, y − c⟩"
    )
    length, ball, gap, d = sympy.symbols("n R g d", nonnegative=True)
    require_at_most(length * (ball - d) - gap, ball * length, length * d + gap, "|⟨w, y − c⟩| ≤ R‖w‖")
