"""Local Lipschitz bounds: matrices between the activations, with the slopes possible on the ball.

Statement.  Between two points of a ball a chain acts as W_L D_{L−1} ⋯ D_1 W_1, D diagonal with secant slopes. Write
            D = D° + ΘΔ, |Θ| ≤ 1, |D| ≤ D̂, and let a prefix act as J + E with ‖E‖ ≤ e and constant at most p. Then
            1. ‖WD(J + E)‖ ≤ ‖W√D̂‖‖√D̂J‖ + ‖WD̂‖e, and ‖WD‖p ≤ ‖WD̂‖p;
            2. WD(J + E) = WD°J + E′ with ‖E′‖ ≤ ‖WΘΔJ‖ + ‖WD̂‖e, and ‖WΘΔJ‖ is at most ‖W√Δ‖‖√ΔJ‖ and
               √(‖M‖₁‖M‖_∞), M = |W|Δ|J|;
               A row w of W by itself: ‖wD(J + E)‖ ≤ ‖wD°J‖ + Σ_j |w_j|Δ_j‖J_j‖ + ‖wD̂‖e;
            3. two activations in a row: |d₂d₁ − c₂c₁| ≤ D̂₂Δ₁ + Δ₂|c₁|.
            Entries of D̂ that are 0 remove their row of J and their column of W.
Proof.      Identities in noncommuting symbols; the triangle inequality; |Θ| ≤ 1 shortens no entry's sum of squares.
"""

from typing import Any

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement="‖W₂DW₁‖ ≤ ‖W₂D°W₁‖ + min(‖W₂√Δ‖‖√ΔW₁‖, √(‖M‖₁‖M‖_∞)), and ‖W₂DW₁‖ ≤ ‖W₂√D̂‖‖√D̂W₁‖, on the ball",
    assumptions=("boxes hold the pre-activations of the ball's points", "norms of products are at most products"),
    source="theory, section 5; natrob_theory/bounds/local/chain_passage.py",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """Secant slopes, the two forms, the diagonal Θ, the Schur test, one row, two activations, dead units."""
    _secant_slopes()
    _forms()
    _diagonals()
    _schur_test()
    _one_row()
    _two_activations()
    _dead_units()


def _secant_slopes() -> None:
    # the two ends of a pre-activation differ by u = b − a ≠ 0, and ReLU's by d·u with d in [0, 1] in each case of signs
    low = sympy.symbols("a", nonnegative=True)
    width = sympy.symbols("u", positive=True)
    require_equal((low + width) - low, 1 * width, "both ends active: d = 1")
    require_equal(sympy.Integer(0) - 0, 0 * width, "both ends dead: d = 0")
    b = sympy.symbols("b", positive=True)
    slope = b / (b + low)
    require_equal(b - 0, slope * (b - (-low)), "ends −a ≤ 0 < b: d = b/(a + b)")
    require_at_most(slope, 1, low / (b + low), "d ≤ 1")
    require(slope.is_positive, "d ≥ 0")
    # d in [l, u] stays within Δ = max(u − c, c − l) of c: d = l + s = u − t, and Δ = u − c + v = c − l + w
    d, c = sympy.symbols("d c", real=True)
    s, t, v, w = sympy.symbols("s t v w", nonnegative=True)
    require_at_most(d - c, (d + t) - c + v, t + v, "d − c ≤ Δ")
    require_at_most(c - d, c - (d - s) + w, s + w, "c − d ≤ Δ")
    # and |d| ≤ max(|l|, |u|): with a magnitude m = u + v = −l + w
    require_at_most(d, (d + t) + v, t + v, "d ≤ D̂")
    require_at_most(-d, -(d - s) + w, s + w, "−d ≤ D̂")


def _forms() -> None:
    # chain rule for differences: if Δx = (J + E)Δy before an activation, then WDΔx after it. Matrices do not commute
    outer, slopes, at_center, prefix, error = (sympy.Symbol(name, commutative=False) for name in "WDCJE")
    whole = outer * slopes * (prefix + error)
    around = outer * at_center * prefix
    new_error = outer * (slopes - at_center) * prefix + outer * slopes * error
    require_equal(sympy.expand(whole - around - new_error), 0, "WD(J + E) = WD°J + W(D − D°)J + WDE")
    require_equal(sympy.expand(whole - outer * slopes * prefix - outer * slopes * error), 0, "WD(J + E) = WDJ + WDE")
    # D = √D̂ Θ √D̂ entry by entry, |Θ| ≤ 1: WDJ = (W√D̂)Θ(√D̂J); the same with D − D° and Δ; and WD = (WD̂)Θ
    theta = sympy.symbols("theta", real=True)
    largest = sympy.symbols("d", nonnegative=True)
    root = sympy.sqrt(largest)
    require_equal(root * theta * root, theta * largest, "√D̂ Θ √D̂ = ΘD̂")


def _diagonals() -> None:
    # ‖Θu‖² = Σθ²u² ≤ Σu²: θ = p − q with p + q = 1, 1 − θ² = (p + q)² − (p − q)² = 4pq
    p, q = sympy.symbols("p q", nonnegative=True)
    u = sympy.symbols("u", real=True)
    require_at_most(((p - q) * u) ** 2, ((p + q) * u) ** 2, 4 * p * q * u**2, "θ²u² ≤ u², so ‖Θ‖ ≤ 1")
    # so ‖AΘB‖ ≤ ‖A‖·1·‖B‖; with rests: ‖Bv‖ = βv − g, ‖ΘBv‖ = ‖Bv‖ − d, ‖AΘBv‖ = α‖ΘBv‖ − c
    alpha, beta, v, g, d, c = sympy.symbols("alpha beta v g d c", nonnegative=True)
    image = alpha * (beta * v - g - d) - c
    require_at_most(image, alpha * beta * v, alpha * (g + d) + c, "‖AΘBv‖ ≤ ‖A‖‖B‖‖v‖")


def _schur_test() -> None:
    # one term of ⟨y, WΘΔJx⟩: |θm·x·y| ≤ m·½(tx² + y²/t), m = |w|δ|j|, for any t > 0
    m, p, q = sympy.symbols("m p q", nonnegative=True)
    x, y = sympy.symbols("x y", real=True)
    root = sympy.symbols("r", positive=True)  # √t
    weight = root**2
    bound = (p + q) * m * (weight * x**2 + y**2 / weight) / 2
    rest = m * (p * (root * x - y / root) ** 2 + q * (root * x + y / root) ** 2) / 2
    require_at_most((p - q) * m * x * y, bound, rest, "θmxy ≤ ½m(tx² + y²/t), p + q = 1")
    # summed: column sums are at most C = ‖M‖₁ and row sums at most R = ‖M‖_∞: ½(tC‖x‖² + R‖y‖²/t)
    columns, rows = sympy.symbols("C R", positive=True)
    column, other = sympy.symbols("c d", nonnegative=True)
    require_at_most(column * x**2, (column + other) * x**2, other * x**2, "a column's sum is at most the largest")
    size_x, size_y = sympy.symbols("X Y", positive=True)  # ‖x‖, ‖y‖
    best = sympy.sqrt(rows / columns) * size_y / size_x
    total = (best * columns * size_x**2 + rows * size_y**2 / best) / 2
    require_equal(total, sympy.sqrt(rows * columns) * size_x * size_y, "the best t gives √(CR)‖x‖‖y‖")


def _one_row() -> None:
    # two entries stand for any number: |w_1θ_1δ_1a + w_2θ_2δ_2b| for entries a, b of Ju, |a| ≤ ‖J_1‖ = a + s
    p, q, m, a, s = sympy.symbols("p q m a s", nonnegative=True)  # θ = p − q, p + q = 1; m = |w|δ
    require_at_most((p - q) * m * a, (p + q) * m * (a + s), m * (2 * q * a + (p + q) * s), "θ|w|δ|Ju| ≤ |w|δ‖J_j‖")
    one, two, rest_1, rest_2, row, center, tail = sympy.symbols("f g s t w c e", nonnegative=True)
    bound = center + (one + rest_1) + (two + rest_2) + tail
    require_at_most(center + one + two + tail - row, bound, rest_1 + rest_2 + row, "a sum is at most the sum of sizes")


def _two_activations() -> None:
    d_1, d_2, c_1, c_2 = sympy.symbols("d_1 d_2 c_1 c_2", real=True)
    require_equal(d_2 * d_1 - c_2 * c_1, d_2 * (d_1 - c_1) + c_1 * (d_2 - c_2), "d₂d₁ − c₂c₁")
    # sizes: |d₂| = D̂₂ − g, |d₁ − c₁| = Δ₁ − s, |d₂ − c₂| = Δ₂ − t, with D̂₂ = g + v and Δ₁ = s + w
    g, s, t, v, w, center, delta = sympy.symbols("g s t v w c D", nonnegative=True)
    require_at_most(
        v * w + center * delta,
        (g + v) * (s + w) + center * (delta + t),
        g * s + g * w + v * s + center * t,
        "|d₂d₁ − c₂c₁| ≤ D̂₂Δ₁ + |c₁|Δ₂",
    )


def _dead_units() -> None:
    # D̂ = diag(d, 0): the second column of W and the second row of J appear nowhere, in W√D̂ and √D̂J alike
    d = sympy.symbols("d", nonnegative=True)
    outer = sympy.Matrix(2, 2, sympy.symbols("w_1:5", real=True))
    inner = sympy.Matrix(2, 2, sympy.symbols("j_1:5", real=True))
    root: Any = sympy.diag(sympy.sqrt(d), 0)
    require_equal((outer * root)[:, 1], sympy.zeros(2, 1), "the dead column of W√D̂")
    require_equal((root * inner)[1, :], sympy.zeros(1, 2), "the dead row of √D̂J")
    reduced = outer[:, :1] * d * inner[:1, :]
    require_equal(outer * root * root * inner, reduced, "WD̂J without the dead unit")
