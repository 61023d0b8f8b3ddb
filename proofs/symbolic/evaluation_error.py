"""Evaluation errors before anything is evaluated: what layers round, as a multiple of the norm and a constant.

Statement.  1. ‖f(y)‖ ≤ L‖y‖ + ‖f(0)‖, and ‖fl f(ŷ) − f(y)‖ ≤ L‖ŷ − y‖ + ‖fl f(ŷ) − f(ŷ)‖.
            2. An inner product of n terms, each operation off by 1 + δ, |δ| ≤ u, errs by at most γ_n Σ|w_i y_i|,
               γ_n = nu/(1 − nu), in any order of summation; so a product Wy + b by γ(‖|W|‖‖y‖ + ‖b‖), and
               ‖|W|‖ ≤ √(‖W‖₁‖W‖_∞).
            3. These are affine in ‖x‖ with nonnegative coefficients, and sums, multiples and compositions of such are.
            4. A root ŷ′ = ŷ + r + h f(ŷ′) is the exact step from ŷ + r: within G(‖ŷ − y‖ + ‖r‖) of the step from y.
Proof.      Triangle inequalities with rests; induction over n; the Schur test; substitution.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement="‖fl f(ŷ) − f(y)‖ ≤ L‖ŷ − y‖ + γ(‖|W|‖‖ŷ‖ + ‖b‖), layer by layer, for every input of a given norm",
    assumptions=("fl(a ∘ b) = (a ∘ b)(1 + δ), |δ| ≤ u", "sums in any order; no underflow"),
    source="theory, section 7; natrob_theory/evaluation_error; Higham, Accuracy and Stability, section 3.1",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """Triangle inequalities, γ_n, matrices, affine bounds, inexact roots."""
    _triangles()
    _gamma()
    _matrix()
    _affine()
    _root()


def _triangles() -> None:
    L, y, zero, moved, own, a, b = sympy.symbols("L y z d o a b", nonnegative=True)  # noqa: N806
    # ‖f(y)‖ = ‖f(y) − f(0)‖ + ‖f(0)‖ − a, ‖f(y) − f(0)‖ = L‖y‖ − b
    require_at_most((L * y - b) + zero - a, L * y + zero, a + b, "‖f(y)‖ ≤ L‖y‖ + ‖f(0)‖")
    require_at_most(own + (L * moved - b) - a, own + L * moved, a + b, "‖fl f(ŷ) − f(y)‖ ≤ own + L‖ŷ − y‖")


def _gamma() -> None:
    # (1 + γ_n)(1 + u) ≤ 1 + γ_{n+1}: one more operation. γ_n = nu/(1 − nu)
    n = sympy.symbols("n", nonnegative=True)
    room = sympy.symbols("q", positive=True)  # q = 1 − (n + 1)u > 0
    u = (1 - room) / (n + 1)
    gamma_n, gamma_next = n * u / (1 - n * u), (n + 1) * u / room
    excess = sympy.factor(sympy.simplify((1 + gamma_next) - (1 + gamma_n) * (1 + u)))
    # with u ≥ 0 as q ≤ 1: write q = 1/(1 + t), t ≥ 0
    t = sympy.symbols("t", nonnegative=True)
    shown = sympy.factor(sympy.simplify(excess.subs(room, 1 / (1 + t))))
    numerator, denominator = sympy.fraction(shown)
    require(sympy.expand(numerator).is_nonnegative, "(1 + γ_n)(1 + u) ≤ 1 + γ_{n+1}")
    require(sympy.expand(denominator).is_positive, "its denominator")


def _matrix() -> None:
    # entrywise |error_i| ≤ γ((|W||y|)_i + |b_i|), so in norm by the triangle inequality
    gamma, size, y, offset, a, b = sympy.symbols("gamma W y b_0 a b", nonnegative=True)
    require_at_most(
        gamma * (size * y - a + offset - b), gamma * (size * y + offset), gamma * (a + b), "γ(‖|W|‖‖y‖ + ‖b‖)"
    )
    # ‖|W||y|‖ ≤ √(CR)‖y‖ is the Schur test of proofs/symbolic/local_lipschitz.py: one term with weight t = r²
    m = sympy.symbols("m", nonnegative=True)
    x, z = sympy.symbols("x z", real=True)
    r = sympy.symbols("r", positive=True)
    require_at_most(
        m * x * z, m * (r**2 * x**2 + z**2 / r**2) / 2, m * (r * x - z / r) ** 2 / 2, "mxz ≤ ½m(tx² + z²/t)"
    )


def _affine() -> None:
    a_1, b_1, a_2, b_2, c, n = sympy.symbols("a_1 b_1 a_2 b_2 c n", nonnegative=True)
    require_equal((a_1 * n + b_1) + c * (a_2 * n + b_2), (a_1 + c * a_2) * n + (b_1 + c * b_2), "sums and multiples")
    require_equal(a_2 * (a_1 * n + b_1) + b_2, (a_2 * a_1) * n + (a_2 * b_1 + b_2), "compositions")
    for coefficient in (a_1 + c * a_2, b_1 + c * b_2, a_2 * a_1, a_2 * b_1 + b_2):
        require(coefficient.is_nonnegative, "coefficients stay nonnegative")
    # so the bound at a norm is one at every smaller norm
    less = sympy.symbols("s", nonnegative=True)
    require_at_most(a_1 * n + b_1, a_1 * (n + less) + b_1, a_1 * less, "monotone in the norm")


def _root() -> None:
    h = sympy.symbols("h", positive=True)
    root, value, before, residual = sympy.symbols("Y f y r", real=True)
    # r is defined as what is missing: ŷ′ − ŷ − h f(ŷ′)
    missing = root - before - h * value
    require_equal((before + missing) + h * value, root, "ŷ′ = (ŷ + r) + h f(ŷ′): the exact step from ŷ + r")
    growth, distance, size, a, b = sympy.symbols("G d R a b", nonnegative=True)
    require_at_most(growth * (distance + size - a) - b, growth * (distance + size), growth * a + b, "G(‖ŷ − y‖ + ‖r‖)")
    del residual
