"""Group and layer normalisation: how steep they are everywhere, and on a ball.

Statement.  h(y) = w/√(‖w‖²/n + ε), w = Py with P the projection that takes the mean of n entries away, ε > 0.
            1. Its Jacobian is (I − wwᵀ/(ns²))P/s, s² = ‖w‖²/n + ε, and ‖J‖ ≤ 1/s.
            2. So its constant is at most 1/√ε, attained at w = 0.
            3. On ‖y − c‖ ≤ r every ‖w‖ is at least m = max(0, ‖Pc‖ − r), so the constant there is at most
               1/√(m²/n + ε). ‖h‖ ≤ √n always.
Proof.      1. The derivative along v; 1 − ‖w‖²/(ns²) = ε/s² > 0. 3. The triangle inequality and ‖Pv‖ ≤ ‖v‖.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.inner_products import FormalVectors, require_at_most

CLAIM = Claim(
    statement="group norm: constant max|γ|/√ε on all inputs, max|γ|/√(m²/n + ε) on a ball, m = max(0, ‖Pc‖ − r)",
    assumptions=("ε > 0", "mean value inequality on a convex set", "Cauchy–Schwarz (inner_product_inequalities.py)"),
    source="natrob_theory/layers/normalisation.py",
    verdict=Verdict.PROVED,
)

n, eps = sympy.symbols("n epsilon", positive=True)


def check() -> None:
    """The projection, the Jacobian, and the ball."""
    _projection()
    _jacobian()
    _ball()


def _projection() -> None:
    # ‖y − mean·1‖² = ‖y‖² − n·mean², and P is linear: it makes no vector longer
    space = FormalVectors("y", "1")
    y, ones = space.vectors
    mean = sympy.symbols("a", real=True)
    square = space.square(y - mean * ones)
    reduced = square.subs(space.square(ones), n).subs(space.inner(y, ones), n * mean)
    require_at_most(reduced, space.square(y), n * mean**2, "‖Py‖ ≤ ‖y‖")


def _jacobian() -> None:
    # along v: w + tv, s² = ‖w + tv‖²/n + ε; the derivative at t = 0 has the coefficients 1/s of v, −⟨w, v⟩/(ns³) of w
    space = FormalVectors("w", "v")
    w, v = space.vectors
    t = sympy.symbols("t", real=True)
    variance = space.square(w + t * v) / n + eps
    factor = 1 / sympy.sqrt(variance)
    s = sympy.symbols("s", positive=True)
    slope = sympy.diff(factor, t).subs(t, 0)
    at_start = variance.subs(t, 0)
    require_equal(slope, -space.inner(w, v) / (n * at_start ** sympy.Rational(3, 2)), "(1/s)′ = −⟨w, v⟩/(ns³)")
    # ‖Jv‖²: with ‖w‖² = n(s² − ε) it is ‖v‖²/s² less ⟨w, v⟩²(s² + ε)/(ns⁶)
    image = v / s - space.inner(w, v) / (n * s**3) * w
    square = space.square(image).subs(space.square(w), n * (s**2 - eps))
    along = space.inner(w, v) ** 2
    require_at_most(
        square, space.square(v) / s**2, along * (s**2 + eps) / (n * s**6), "‖Jv‖² ≤ ‖v‖²/s²: the rest is a square"
    )
    # s ≥ √ε; at w = 0 it is √ε and Jv = v/√ε
    size = sympy.symbols("W", nonnegative=True)
    require_at_most(1 / (size / n + eps), 1 / eps, size / n / (eps * (size / n + eps)), "1/s² ≤ 1/ε")
    zero = {space.square(w): 0, space.inner(w, v): 0, s: sympy.sqrt(eps)}
    require_equal(space.square(image).subs(zero), space.square(v) / eps, "attained at w = 0")
    # ‖h‖² = ‖w‖²/s² = n·(1 − ε/s²)
    require_at_most(n * (s**2 - eps) / s**2, n, n * eps / s**2, "‖h‖² ≤ n")
    require((along * (s**2 + eps) / (n * s**6)).is_nonnegative, "⟨w, v⟩² ≥ 0")


def _ball() -> None:
    # ‖Py‖ ≥ ‖Pc‖ − ‖P(y − c)‖ ≥ ‖Pc‖ − r: g and e are what the two inequalities leave
    center, radius, g, e = sympy.symbols("C r g e", nonnegative=True)
    moved = radius - e  # ‖P(y − c)‖ ≤ r
    size = center - moved + g  # the triangle inequality
    require_at_most(center - radius, size, e + g, "‖Py‖ ≥ ‖Pc‖ − r")
    least, more = sympy.symbols("m q", nonnegative=True)
    near, far = least**2 / n + eps, (least + more) ** 2 / n + eps
    rest = (2 * least * more + more**2) / (n * near * far)
    require_at_most(1 / far, 1 / near, rest, "1/s² is at most that at the least ‖w‖")
