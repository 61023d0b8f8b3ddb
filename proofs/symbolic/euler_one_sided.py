"""One Euler step under a one-sided constant: G² = 1 + 2hμ + h²K².

Statement.  With ⟨Δf, e⟩ ≤ μ‖e‖² and ‖Δf‖ ≤ K‖e‖: ‖e + hΔf‖² ≤ (1 + 2hμ + h²K²)‖e‖², for every h > 0, attained for
            every −K ≤ μ ≤ K by f = K(cos φ + J sin φ)y, J the quarter turn, K cos φ = μ. (1 + hμ)² is no bound.
            G < 1 exactly for h < −2μ/K²; G is least at h = −μ/K²; G^n → e^{μT} for h = T/n → 0.
            So a contractive field (μ < 0) can expand at h = 1.
Proof.      Expand the square. The gaps of the two assumptions appear with nonnegative factors.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.inner_products import FormalVectors, require_at_most

CLAIM = Claim(
    statement="‖e + hΔf‖ ≤ √(1 + 2hμ + h²K²)‖e‖, attained; below 1 iff h < −2μ/K²; G^n → e^{μT} as h = T/n → 0",
    assumptions=("h > 0", "⟨Δf, e⟩ ≤ μ‖e‖²", "‖Δf‖ ≤ K‖e‖"),
    source="theory, sections 1 and 3; natrob_theory/steppers/euler.py",
    verdict=Verdict.PROVED_FOR_EVERY_STEP,
)

h, K = sympy.symbols("h K", positive=True)
mu = sympy.symbols("mu", real=True)
FACTOR_SQUARED = 1 + 2 * h * mu + h**2 * K**2


def check() -> None:
    """The bound, that it is attained, where it is below 1, and its limit."""
    _bound()
    _attained()
    _where_it_contracts()
    _limit()
    _expanding_at_step_one()


def _bound() -> None:
    space = FormalVectors("e", "Δf")
    e, change = space.vectors
    size, s, p = sympy.symbols("E s p", nonnegative=True)
    squared = space.square(e + h * change)
    require_equal(
        squared,
        space.square(e) + 2 * h * space.inner(change, e) + h**2 * space.square(change),
        "‖e + hΔf‖² = ‖e‖² + 2h⟨Δf, e⟩ + h²‖Δf‖²",
    )
    # ⟨Δf, e⟩ = μ‖e‖² − s and ‖Δf‖² = K²‖e‖² − p
    given = {space.square(e): size, space.inner(change, e): mu * size - s, space.square(change): K**2 * size - p}
    require_at_most(squared.subs(given), FACTOR_SQUARED * size, 2 * h * s + h**2 * p, "the bound of one step")
    # the form in which the code evaluates it; both of its terms are at least 0, as μ = −K + a with a ≥ 0
    require_equal((1 - h * K) ** 2 + 2 * (h * mu + h * K), FACTOR_SQUARED, "G² = (1 − x)² + 2(hμ + x)")
    a = sympy.symbols("a", nonnegative=True)
    require(((1 - h * K) ** 2).is_nonnegative, "(1 − x)² ≥ 0")
    require(sympy.expand(h * (-K + a) + h * K).is_nonnegative, "hμ + x ≥ 0")


def _attained() -> None:
    phi, x, y = sympy.symbols("phi x y", real=True)
    quarter_turn = sympy.Matrix([[0, -1], [1, 0]])
    field = K * (sympy.cos(phi) * sympy.eye(2) + sympy.sin(phi) * quarter_turn)
    e = sympy.Matrix([x, y])
    size = x**2 + y**2
    # its constants: μ = K cos φ, which takes every value of [−K, K], and K
    require_equal((field * e).dot(e), K * sympy.cos(phi) * size, "⟨Ae, e⟩ = K cos φ ‖e‖²")
    require_equal((field * e).dot(field * e), K**2 * size, "‖Ae‖² = K²‖e‖²")
    moved = e + h * field * e
    require_equal(moved.dot(moved), FACTOR_SQUARED.subs(mu, K * sympy.cos(phi)) * size, "equality for every e")
    # 1 + hμ is too small by this much, unless μ = ±K
    excess = FACTOR_SQUARED - (1 + h * mu) ** 2
    require_equal(excess, h**2 * (K - mu) * (K + mu), "G² − (1 + hμ)² = h²(K − μ)(K + μ)")
    # the counterexample: φ = π/2, a rotation with μ = 0, for which 1 + hμ = 1
    rotated = moved.subs(phi, sympy.pi / 2)
    require_equal(rotated.dot(rotated), (1 + h**2 * K**2) * size, "a rotation is stretched")
    require((h**2 * K**2).is_positive, "1 + h²K² > 1 = (1 + hμ)²")


def _where_it_contracts() -> None:
    # with h = −2μ/K² + t: G² − 1 = h·K²·t, which has the sign of t
    t = sympy.symbols("t", real=True)
    shifted = -2 * mu / K**2 + t
    require_equal(FACTOR_SQUARED.subs(h, shifted) - 1, shifted * K**2 * t, "G² − 1 = hK²(h + 2μ/K²)")
    require((h * K**2).is_positive, "the factor of t is positive")
    # the least G² by completing the square
    least = 1 - mu**2 / K**2
    require_at_most(least, FACTOR_SQUARED, K**2 * (h + mu / K**2) ** 2, "G² = 1 − μ²/K² + K²(h + μ/K²)²")


def _limit() -> None:
    duration = sympy.symbols("T", positive=True)
    # log G^n = T/(2h)·log(1 + 2hμ + h²K²), and the exponential function is continuous
    exponent = sympy.limit(duration / (2 * h) * sympy.log(FACTOR_SQUARED), h, 0, "+")
    require_equal(exponent, mu * duration, "log G^n → μT")


def _expanding_at_step_one() -> None:
    root = sympy.sqrt(3)
    field = sympy.Matrix([[-1, -root], [root, -1]])
    # K = 2 and μ = −1: the flow contracts by e^{−T}
    require_equal(field.T * field, 4 * sympy.eye(2), "‖Ay‖ = 2‖y‖")
    require_equal((field + field.T) / 2, -sympy.eye(2), "⟨Ay, y⟩ = −‖y‖²")
    # a step of size 1 multiplies every distance by √3; the limit of contraction is h = −2μ/K² = 1/2
    step = sympy.eye(2) + field
    require_equal(step.T * step, 3 * sympy.eye(2), "‖(I + A)y‖ = √3‖y‖")
    half = sympy.eye(2) + field / 2
    require_equal(half.T * half, sympy.eye(2), "‖(I + A/2)y‖ = ‖y‖")
