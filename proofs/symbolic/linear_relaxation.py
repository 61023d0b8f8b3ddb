"""Backward linear relaxation, its rounding allowance, dual norms, and bounds on cut domains.

Statement.  1. On a piece [p, q] of width w with all secant slopes of σ in [s, t]: for every a and every x of the piece
               σ(x) − ax ≥ min(σ(p) − ap, σ(q) − aq) − (t − s)w/4; so the smallest of these over all pieces is an
               intercept of a line with slope a below σ. Where s = t nothing is lost.
            2. With lines a_l x + b_l ≤ σ(x) ≤ a_u x + b_u on an interval, vσ(x) ≥ (v⁺a_l + v⁻a_u)x + v⁺b_l + v⁻b_u,
               v⁺ = max(v, 0), v⁻ = min(v, 0); for x ≥ l and x ≤ u also vx ≥ (v − β + γ)x + βl − γu, β, γ ≥ 0.
            3. If computed coefficients μ differ from the exact Wᵀv by at most g|W|ᵀ|v|, then
               ⟨v, Wx⟩ ≥ ⟨μ, x⟩ − g⟨|v|, |W|m⟩ wherever |x| ≤ m.
            4. ⟨v, x⟩ ≥ Σ v⁺l + v⁻u on a box [l, u], ≥ ⟨v, c⟩ − r‖v‖₂ on an L2 ball and ≥ ⟨v, c⟩ − r max|v_i| on an
               L1 ball; ⟨v, x⟩ = ⟨w, x⟩ + ⟨v − w, x⟩ may be bounded part by part. Entries of Wx + b lie within |W|ρ of
               Wm + b if |x − m| ≤ ρ.
            5. A box with half widths h lies within ‖h‖₂ of its middle, and cutting it along pixel i takes ¾h_i² off
               ‖h‖₂². A bound on all parts of a cover is a bound on the whole.
Proof.      1. The two cones from the ends meet at ((d)g(p) − c g(q) + cdw)/(d − c) with c = s − a < 0 < d = t − a, and
               4cd + (d − c)² = (c + d)² ≥ 0 bounds cdw/(d − c) ≥ −(d − c)w/4. If c ≥ 0 or d ≤ 0 the least value is at
               an end. 2. to 5. are sums of products of signs, and Lagrange's identity for the L2 ball.
"""

from typing import Any

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require_equal
from proofs.symbolic.inner_products import FormalVectors, require_at_most

CLAIM = Claim(
    statement=(
        "lines of any slope with the intercept of the samples bound an activation; replaced backward they bound "
        "⟨v, network(x)⟩ on a box or ball, less g⟨|v|, |W|m⟩ for what each product rounds"
    ),
    assumptions=("slopes of the pieces are known", "|x| ≤ m at every node", "computed products within g of the exact"),
    source="Zhang et al., NeurIPS 2018 (CROWN); Wang et al., NeurIPS 2021 (β-CROWN)",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """Lines, substitution, rounding, regions, cuts."""
    _piece()
    _substitution()
    _rounding()
    _regions()
    _cuts()


def _piece() -> None:
    # g = σ − a·x has slopes in [−k, d], k, d > 0: at distance y from p, g ≥ g_p − ky and g ≥ g_q − d(w − y)
    k, d, w = sympy.symbols("k d w", positive=True)
    g_p, g_q = sympy.symbols("g_p g_q", real=True)
    meeting = (g_p - g_q + d * w) / (k + d)
    require_equal(g_p - k * meeting, g_q - d * (w - meeting), "the cones meet there")
    value = g_p - k * meeting
    # before the meeting point the first cone is no lower than there, behind it the second
    before, behind = sympy.symbols("e f", nonnegative=True)
    require_at_most(value, g_p - k * (meeting - before), k * before, "first cone before the meeting")
    require_at_most(value, g_q - d * (w - meeting - behind), d * behind, "second cone behind the meeting")
    # that value is a mean of the ends less kdw/(k + d), and kd/(k + d) ≤ (k + d)/4
    require_equal(value, (d * g_p + k * g_q) / (k + d) - k * d * w / (k + d), "a mean of the ends less kdw/(k + d)")
    difference = sympy.symbols("δ", nonnegative=True)
    mean = (d * g_p + k * g_q) / (k + d)
    require_at_most(g_p, mean.subs(g_q, g_p + difference), k * difference / (k + d), "a mean is at least the less end")
    require_equal((k + d) ** 2 - 4 * k * d, (k - d) ** 2, "(k + d)² − 4kd is a square")
    rest = (k - d) ** 2 * w / (4 * (k + d))
    require_at_most(k * d * w / (k + d), (k + d) * w / 4, rest, "kdw/(k + d) ≤ (t − s)w/4")
    # slopes of one sign: g falls or rises, and the least value is at an end
    slope, step = sympy.symbols("m n", nonnegative=True)
    require_at_most(g_p, g_p + slope * step, slope * step, "a function that does not fall is least at p")


def _substitution() -> None:
    # σ = a_l x + b_l + ε_l = a_u x + b_u − ε_u
    x, a_l, b_l, a_u, b_u = sympy.symbols("x a_l b_l a_u b_u", real=True)
    plus, minus, below, above = sympy.symbols("v₊ v₋ ε_l ε_u", nonnegative=True)
    require_at_most(plus * (a_l * x + b_l), plus * (a_l * x + b_l + below), plus * below, "v ≥ 0 takes the line below")
    require_at_most(
        -minus * (a_u * x + b_u), -minus * (a_u * x + b_u - above), minus * above, "v ≤ 0 takes the line above"
    )
    # conditions x = l + ξ and x = u − η
    v, lower, upper = sympy.symbols("v l u", real=True)
    beta, gamma, xi, eta = sympy.symbols("β γ ξ η", nonnegative=True)
    at = lower + xi
    require_at_most((v - beta) * at + beta * lower, v * at, beta * xi, "vx ≥ (v − β)x + βl for x ≥ l")
    at = upper - eta
    require_at_most((v + gamma) * at - gamma * upper, v * at, gamma * eta, "vx ≥ (v + γ)x − γu for x ≤ u")


def _rounding() -> None:
    # one entry of Wᵀv, off by e = g·size − rest, at a point −m ≤ x = m − ξ: e·x ≤ |e|m
    error, m = sympy.symbols("e m", nonnegative=True)
    xi = sympy.symbols("ξ", nonnegative=True)
    require_at_most(error * (m - xi), error * m, error * xi, "ex ≤ |e|m for x ≤ m")
    require_at_most(-error * (xi - m), error * m, error * xi, "−ex ≤ |e|m for x ≥ −m")
    size, g, rest = sympy.symbols("s g ρ", nonnegative=True)
    require_at_most((g * size - rest) * m, g * size * m, rest * m, "|e| ≤ g·s enters by g·s·m")
    # Σ_j (Σ_i |v_i||W_ij|) m_j = Σ_i |v_i| (|W|m)_i
    weights: Any = sympy.Matrix(2, 3, sympy.symbols("w_1:7", nonnegative=True))
    rows: Any = sympy.Matrix(1, 2, sympy.symbols("v_1 v_2", nonnegative=True))
    reach: Any = sympy.Matrix(3, 1, sympy.symbols("m_1:4", nonnegative=True))
    require_equal(((rows * weights) * reach)[0], (rows * (weights * reach))[0], "⟨|W|ᵀ|v|, m⟩ = ⟨|v|, |W|m⟩")


def _regions() -> None:
    plus, minus, xi, eta = sympy.symbols("v₊ v₋ ξ η", nonnegative=True)
    lower, upper = sympy.symbols("l u", real=True)
    require_at_most(plus * lower, plus * (lower + xi), plus * xi, "v ≥ 0 is least at the lower end")
    require_at_most(-minus * upper, -minus * (upper - eta), minus * eta, "v ≤ 0 is least at the upper end")
    # L2: ‖v‖²‖d‖² − ⟨v, d⟩² ≥ 0, the square of ‖v‖²d − ⟨v, d⟩v over ‖v‖²
    space = FormalVectors("v", "d")
    v, d = space.vectors
    vv, vd, dd = space.square(v), space.inner(v, d), space.square(d)
    require_equal(space.square(vv * d - vd * v), vv * (vv * dd - vd**2), "‖‖v‖²d − ⟨v, d⟩v‖² = ‖v‖²·gap")
    # L1: |v_1| = V − a, |v_2| = V − b for the largest V; Σ|v_i||d_i| ≤ VΣ|d_i|
    largest, a, b, d_1, d_2 = sympy.symbols("V a b d_1 d_2", nonnegative=True)
    smaller = (largest - a) * d_1 + (largest - b) * d_2
    require_at_most(smaller, largest * (d_1 + d_2), a * d_1 + b * d_2, "Σ|v_i||d_i| ≤ max|v|·Σ|d_i|")
    # intervals: |W_j(x_j − m_j)| ≤ |W_j|ρ_j
    weight, rho = sympy.symbols("w ρ", nonnegative=True)
    require_at_most(weight * (rho - xi), weight * rho, weight * xi, "|W||x − m| ≤ |W|ρ")


def _cuts() -> None:
    # a pixel of half width h, off the middle by at most h: (h − ξ)² ≤ h² for 0 ≤ ξ ≤ h
    rest, xi = sympy.symbols("h₁ ξ", nonnegative=True)
    half = rest + xi
    require_at_most((half - xi) ** 2, half**2, xi * (2 * rest + xi), "(x_i − c_i)² ≤ h_i²")
    h, others = sympy.symbols("h q", nonnegative=True)
    require_equal((others + h**2) - (others + (h / 2) ** 2), sympy.Rational(3, 4) * h**2, "a cut takes ¾h² off ‖h‖²")
    # the gap at x: s(c) − C·‖x − c‖ with ‖x − c‖ = r − ξ
    gap, constant, radius = sympy.symbols("G C r", nonnegative=True)
    require_at_most(gap - constant * radius, gap - constant * (radius - xi), constant * xi, "gap ≥ gap(c) − C·r")
