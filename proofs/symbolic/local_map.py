"""Local bounds through the steps of a network: the Jacobian at the centre, and what can change in the ball.

Statement.  Between two points of a ball the map before a step acts as J + E, ‖E‖ ≤ e, with constant at most p; the
            step's field as Φ, a sum of products of matrices and diagonals of secant slopes, Φ° with those at the
            centre. With Ψ the whole step and ‖Ψ‖ ≤ G:
            1. Euler:          (I + hΦ)(J + E) = (I + hΦ°)J + E′, ‖E′‖ ≤ h‖(Φ − Φ°)J‖ + Ge;
            2. backward Euler: (I − hΦ)⁻¹(J + E) = J′ + E′ for any J′,
               ‖E′‖ ≤ G(h‖(Φ − Φ°)J′‖ + ‖J − (I − hΦ°)J′‖ + e);
            3. a chain:        W D (Φ°J + F) = W D°Φ°J + F′, ‖F′‖ ≤ ‖W(D − D°)Φ°J‖ + ‖W‖‖D‖f, which is how
               ‖(Φ − Φ°)J‖ is carried through a field, sums and multiples adding;
            4. p′ = Gp; ‖v(J + E)‖ ≤ ‖vJ‖ + ‖v‖e and ≤ ‖v‖p; a pre-activation row w moves by at most
               (‖wJ‖ + ‖w‖e)r and by at most ‖w‖pr in the ball of radius r.
            5. a map F after a part with constant C acts on a ball of radius Cr, and F's constant there times C holds.
            At radius 0, away from kinks, Φ = Φ°, so e = 0: the bound is that of the Jacobian itself.
Proof.      Identities in noncommuting symbols, the triangle inequality; for backward Euler (I − hΦ)Ψ = I.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement="a step takes J + E to (I + hΦ°)J + E′ with ‖E′‖ ≤ h‖(Φ − Φ°)J‖ + G‖E‖; for (I − hΦ)⁻¹ likewise",
    assumptions=("boxes hold the pre-activations of the ball's points", "‖step‖ ≤ G between any two states"),
    source="theory, section 5; natrob_theory/bounds/local/stages.py",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """Euler, backward Euler, chains, rows, the limit of radius 0."""
    _euler()
    _backward_euler()
    _chain()
    _norms()
    _radius_zero()


def _euler() -> None:
    slope, center, before, error = (sympy.Symbol(name, commutative=False) for name in ("Φ", "C", "J", "E"))
    h = sympy.Symbol("h", positive=True)
    whole = (1 + h * slope) * (before + error)
    around = (1 + h * center) * before
    rest = h * (slope - center) * before + (1 + h * slope) * error
    require_equal(sympy.expand(whole - around - rest), 0, "(I + hΦ)(J + E) = (I + hΦ°)J + h(Φ − Φ°)J + (I + hΦ)E")


def _backward_euler() -> None:
    # With Ψ = (I − hΦ)⁻¹, multiply by I − hΦ from the left: Ψ(J + E) − J′ = Ψ[(J + E) − (I − hΦ)J′]
    slope, center, before, error, chosen = (sympy.Symbol(name, commutative=False) for name in ("Φ", "C", "J", "E", "K"))
    h = sympy.Symbol("h", positive=True)
    bracket = h * (slope - center) * chosen + (before - (1 - h * center) * chosen) + error
    require_equal(
        sympy.expand((before + error) - (1 - h * slope) * chosen - bracket),
        0,
        "(J + E) − (I − hΦ)J′ = h(Φ − Φ°)J′ + (J − (I − hΦ°)J′) + E",
    )
    # where J′ solves (I − hΦ°)J′ = J the middle term is 0
    solved = bracket.subs(before, sympy.expand((1 - h * center) * chosen))
    require_equal(sympy.expand(solved - h * (slope - center) * chosen - error), 0, "J′ = (I − hΦ°)⁻¹J leaves two terms")


def _chain() -> None:
    weight, slopes, at_center, before, error = (
        sympy.Symbol(name, commutative=False) for name in ("W", "D", "C", "J", "F")
    )
    whole = weight * slopes * (before + error)
    rest = weight * (slopes - at_center) * before + weight * slopes * error
    require_equal(sympy.expand(whole - weight * at_center * before - rest), 0, "WD(J + F) = WD°J + W(D − D°)J + WDF")
    # f = Σ c_k chain_k: differences of sums are sums of differences
    c_1, c_2 = sympy.symbols("c_1 c_2", real=True)
    one, two, center_1, center_2 = (sympy.Symbol(name, commutative=False) for name in ("P", "Q", "A", "B"))
    difference = (c_1 * one + c_2 * two) * before - (c_1 * center_1 + c_2 * center_2) * before
    require_equal(
        sympy.expand(difference - c_1 * (one - center_1) * before - c_2 * (two - center_2) * before),
        0,
        "(Φ − Φ°)J of a sum is the sum of its terms'",
    )


def _norms() -> None:
    # norms of the three terms with rests: ‖E′‖ = h s − a + G e − b − c for a sum that cancels by c ≥ 0 in all
    h, s, growth, e, a, b, c = sympy.symbols("h s G e a b c", nonnegative=True)
    require_at_most(h * s - a + growth * e - b - c, h * s + growth * e, a + b + c, "‖E′‖ ≤ h‖(Φ − Φ°)J‖ + Ge")
    residual = sympy.symbols("R", nonnegative=True)
    implicit = growth * (h * s + residual + e)
    require_at_most(implicit - a - b - c, implicit, a + b + c, "‖E′‖ ≤ G(h‖(Φ − Φ°)J′‖ + ‖R‖ + e)")
    # a row: ‖v(J + E)u‖ ≤ (‖vJ‖ + ‖v‖e)‖u‖, and ≤ ‖v‖p‖u‖
    row, length, p, r = sympy.symbols("w l p r", nonnegative=True)
    require_at_most((row + length * e) * r - a, (row + length * e) * r, a, "|v(J + E)u| ≤ (‖vJ‖ + ‖v‖e)r")
    require_at_most(length * p * r - b, length * p * r, b, "|v(J + E)u| ≤ ‖v‖pr")
    # p′: the step is at most G times as far apart
    require_at_most(growth * (p * r - a), growth * p * r, growth * a, "p′ = Gp")
    # images of two points are at most C times as far apart, so in a ball of radius Cr around the centre's image
    outer, inner = sympy.symbols("C K", nonnegative=True)
    require_at_most(inner * (outer * r - a) - b, inner * outer * r, inner * a + b, "‖F(Φu)‖ ≤ K·C·r")


def _radius_zero() -> None:
    slope, before = (sympy.Symbol(name, commutative=False) for name in ("Φ", "J"))
    h = sympy.Symbol("h", positive=True)
    rest = h * (slope - slope) * before
    require_equal(sympy.expand(rest), 0, "no slope differs from that at the centre: E′ = 0 after E = 0")
