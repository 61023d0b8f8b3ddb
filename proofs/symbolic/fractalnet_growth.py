"""FractalNet's expansion: L_1 = x, L_{C+1} = ½L_C² + ½L_1, attained by f = Ky.

Statement.  f_1 = hf(t, ·), f_{C+1} = ½f_C∘f_C + ½f_1, with f(t, ·) K-Lipschitz and x = hK: f_C has the constant L_C for
            every C ≥ 1 and every h > 0, and no smaller one. L_2 = x²/2 + x/2,
            L_3 = x⁴/8 + x³/4 + x²/8 + x/2, L_4 = x⁸/128 + x⁷/32 + 3x⁶/64 + 3x⁵/32 + 17x⁴/128 + x³/16 + x²/8 + x/2.
Proof.      One step of an induction on C, with letters; for f = Ky, f_C(y) = L_C(x)y by the same induction.
"""

from itertools import pairwise

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal

CLAIM = Claim(
    statement="L_1 = x, L_{C+1} = ½L_C² + ½x is the smallest constant that serves f_C for all K-Lipschitz f(t, ·)",
    assumptions=("f(t, ·) is K-Lipschitz", "x = hK", "C ≥ 1"),
    source="the paper's (19); theory, section 1",
    verdict=Verdict.PROVED_FOR_EVERY_STEP,
)

HALF = sympy.Rational(1, 2)


def check() -> None:
    """The recursion, its first polynomials, and the field that leaves no slack."""
    x = sympy.symbols("x", nonnegative=True)
    check_recursion(x)
    check_attained(x)
    check_polynomials(x)


def check_recursion(x: sympy.Symbol) -> None:
    """‖Δf_{C+1}‖ ≤ ½ L_C‖Δf_C‖ + ½x E ≤ (½L_C² + ½x)E, each inequality with its slack ≥ 0."""
    constant, size = sympy.symbols("L_C E", nonnegative=True)
    q_inner, q_outer, q_first, q_sum = sympy.symbols("q_1:5", nonnegative=True)
    inner = constant * size - q_inner  # ‖f_C(z) − f_C(y)‖
    outer = constant * inner - q_outer  # ‖f_C(f_C(z)) − f_C(f_C(y))‖
    first = x * size - q_first  # ‖f_1(z) − f_1(y)‖, which is the start C = 1 too
    whole = HALF * outer + HALF * first - q_sum  # the triangle inequality
    slack = sympy.expand((HALF * constant**2 + HALF * x) * size - whole)
    require(slack.is_nonnegative, "L_{C+1} = ½L_C² + ½L_1")


def check_attained(x: sympy.Symbol) -> None:
    """f = Ky: f_1(y) = xy, and f_C(y) = L_C y for every y gives f_{C+1}(y) = (½L_C² + ½x)y."""
    h, lipschitz, state = sympy.symbols("h K y", positive=True)
    constant = sympy.symbols("L_C", nonnegative=True)
    base = h * (lipschitz * state)
    require_equal(base.subs(lipschitz, x / h), x * state, "f_1(y) = xy")
    once = constant * state
    twice = once.subs(state, once)
    following = (HALF * twice + HALF * base).subs(lipschitz, x / h)
    require_equal(following, (HALF * constant**2 + HALF * x) * state, "f_{C+1}(y) = L_{C+1}y")


def check_polynomials(x: sympy.Symbol) -> None:
    """L_1, …, L_4: f_C applied to Ky literally, two copies of f_C for each f_{C+1}."""

    def expansion(columns: int, state: sympy.Expr) -> sympy.Expr:
        if columns == 1:
            return x * state
        inner = expansion(columns - 1, state)
        return HALF * expansion(columns - 1, inner) + HALF * x * state

    polynomials = (
        x,
        x**2 / 2 + x / 2,
        x**4 / 8 + x**3 / 4 + x**2 / 8 + x / 2,
        x**8 / 128 + x**7 / 32 + 3 * x**6 / 64 + 3 * x**5 / 32 + 17 * x**4 / 128 + x**3 / 16 + x**2 / 8 + x / 2,
    )
    for columns, polynomial in enumerate(polynomials, start=1):
        require_equal(expansion(columns, sympy.Integer(1)), polynomial, f"L_{columns}")
    for before, after in pairwise(polynomials):
        require_equal(HALF * before**2 + HALF * x, after, "the recursion")
