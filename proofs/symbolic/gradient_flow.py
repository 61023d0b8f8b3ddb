"""Euler's method on gradient flows f(y) = −Wᵀσ(Wy + b): no distance grows while h ≤ 2/β.

Statement.  σ nondecreasing with slopes at most a. With β = a‖W‖₂²: μ ≤ 0, K ≤ β, −⟨Δf, e⟩ ≥ ‖Δf‖²/β (cocoercivity),
            ‖e + hΔf‖² ≤ ‖e‖² − (2h/β − h²)‖Δf‖². So ‖e + hΔf‖ ≤ ‖e‖ for h ≤ 2/β, and for every h > 2/β some such
            field expands. For Δf = −Se with S symmetric and m ≤ S ≤ K (m = −μ): ‖e + hΔf‖ ≤ max(|1 − hK|, |1 − hm|)‖e‖.
Proof.      Δf = −WᵀDWe, D the diagonal of secant slopes d_i = a − c_i with d_i, c_i ≥ 0. Sums term by term.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.inner_products import FormalVectors, require_at_most

CLAIM = Claim(
    statement="f = −Wᵀσ(Wy + b): μ ≤ 0, K ≤ β = ‖W‖², cocoercive; Euler: max(|1 − hK|, |1 + hμ|), ≤ 1 if h ≤ 2/β",
    assumptions=(
        "h > 0",
        "every secant slope of σ lies in [0, a], a ≤ 1",
        "‖Wv‖ ≤ ‖W‖‖v‖",
        "for the last factor: symmetric matrices have orthonormal eigenvectors",
    ),
    source="theory, section 3; natrob_theory/bounds/growth.py and fields/gradient_flow.py",
    verdict=Verdict.PROVED_FOR_EVERY_STEP,
)

h, beta, norm = sympy.symbols("h beta w", positive=True)
size, q, r = sympy.symbols("E q r", nonnegative=True)


def check() -> None:
    """From the slopes to cocoercivity, from that to K and to the step, then the symmetric form."""
    _transposed_norm()
    _cocoercivity()
    _lipschitz_constant()
    _step()
    _symmetric_form()
    _expanding_beyond()


def _transposed_norm() -> None:
    # ‖Wᵀu‖² = ⟨WWᵀu, u⟩ ≤ ‖W‖‖Wᵀu‖‖u‖ by Cauchy–Schwarz and ‖Wv‖ ≤ ‖W‖‖v‖, with gap g; divide by N = ‖Wᵀu‖ > 0
    image, g = sympy.symbols("N", positive=True), q
    length = (image**2 + g) / (norm * image)
    require_equal(image**2, norm * image * length - g, "‖Wᵀu‖² = ‖W‖‖Wᵀu‖‖u‖ − g defines ‖u‖")
    require_at_most(image, norm * length, g / image, "‖Wᵀu‖ ≤ ‖W‖‖u‖")


def _cocoercivity() -> None:
    # one term of −⟨Δf, e⟩ = ⟨DWe, We⟩ = Σ d_i v_i² and of ‖DWe‖² = Σ d_i² v_i², v = We, d_i + c_i = a
    d, c = sympy.symbols("d c", nonnegative=True)
    v = sympy.symbols("v", real=True)
    a = sympy.symbols("a", positive=True)
    require((d * v**2).is_nonnegative, "each term of −⟨Δf, e⟩ is at least 0, so μ ≤ 0")
    require_at_most(d**2 * v**2, (d + c) * d * v**2, d * c * v**2, "d²v² ≤ a·dv²")
    # summed: a·(−⟨Δf, e⟩) = ‖DWe‖² + q; and ‖Δf‖² = ‖WᵀDWe‖² = ‖W‖²‖DWe‖² − r
    inner = sympy.symbols("P", nonnegative=True)
    scaled = norm**2 * inner - r
    require_at_most(scaled / (a * norm**2), (inner + q) / a, q / a + r / (a * norm**2), "‖Δf‖²/β ≤ −⟨Δf, e⟩, β = a‖W‖²")


def _lipschitz_constant() -> None:
    # F = ‖Δf‖ > 0: F²/β ≤ −⟨Δf, e⟩ ≤ F‖e‖ by Cauchy–Schwarz; both gaps in q
    length = sympy.symbols("F", positive=True)
    distance = (length**2 / beta + q) / length
    require_at_most(length, beta * distance, beta * q / length, "‖Δf‖ ≤ β‖e‖")


def _step() -> None:
    space = FormalVectors("e", "Δf")
    e, change = space.vectors
    squared_change = space.square(change)
    stepped = space.square(e + h * change).subs(space.inner(change, e), -(squared_change / beta + q))
    claimed = space.square(e) - (2 * h / beta - h**2) * squared_change
    require_at_most(stepped, claimed, 2 * h * q, "‖e + hΔf‖² ≤ ‖e‖² − (2h/β − h²)‖Δf‖²")
    # h = 2/β − t, t ≥ 0: the subtracted factor is at least 0
    t, change_size = sympy.symbols("t F", nonnegative=True)
    require_equal((2 * h / beta - h**2).subs(beta, 2 / (h + t)), h * t, "2h/β − h² = ht for h = 2/β − t")
    require_at_most(size - h * t * change_size, size, h * t * change_size, "‖e + hΔf‖ ≤ ‖e‖ for h ≤ 2/β")
    # h = 2/β + t: ‖Δf‖² = β²‖e‖² − r leaves (hβ − 1)²‖e‖²
    beyond = 2 / beta + t
    grown = size + beyond * t * (beta**2 * size - r)
    require_equal(claimed.subs({h: beyond, space.square(e): size, squared_change: beta**2 * size - r}), grown, "beyond")
    require_at_most(grown, (beyond * beta - 1) ** 2 * size, beyond * t * r, "‖e + hΔf‖ ≤ (hβ − 1)‖e‖ for h ≥ 2/β")


def _symmetric_form() -> None:
    # S = WᵀDW is symmetric: ⟨Su, v⟩ = Σ d_i(Wu)_i(Wv)_i. In its eigenvectors ‖(I − hS)e‖² = Σ(1 − hs_i)²c_i².
    # Each s = θm + (1 − θ)K lies between m and K; θ = x/(x + z), so that 0 ≤ θ < 1 shows in the signs (θ = 1 is s = m)
    x, z = sympy.symbols("x", nonnegative=True), sympy.symbols("z", positive=True)
    theta = x / (x + z)
    least, largest = sympy.symbols("m K", nonnegative=True)
    mixed = theta * (1 - h * least) ** 2 + (1 - theta) * (1 - h * largest) ** 2
    between = (1 - h * (theta * least + (1 - theta) * largest)) ** 2
    # (1 − hs)² is convex in s, so its ends dominate
    require_at_most(between, mixed, x * z / (x + z) ** 2 * h**2 * (largest - least) ** 2, "convexity")
    # M² = max of the two squares exceeds them by a and b; a mixture does not exceed M²
    maximum, a, b = sympy.symbols("M a b", nonnegative=True)
    mixture = theta * (maximum**2 - a) + (1 - theta) * (maximum**2 - b)
    require_at_most(mixture, maximum**2, (x * a + z * b) / (x + z), "a mixture is at most the maximum")
    # attained: S = sI with s = m or K, where |1 − hs| is the factor; −f = Se is then Wᵀσ(W·) with σ linear
    s = sympy.symbols("s", nonnegative=True)
    y = sympy.symbols("y", real=True)
    require_equal(y + h * (-(sympy.sqrt(s) * (sympy.sqrt(s) * y))), (1 - h * s) * y, "y − h√s·√s·y = (1 − hs)y")


def _expanding_beyond() -> None:
    # W = √β, σ the identity: one step multiplies by 1 − hβ, which is −(1 + βt) for h = 2/β + t
    t = sympy.symbols("t", positive=True)
    factor = 1 - (2 / beta + t) * beta
    require_equal(factor, -(1 + beta * t), "1 − hβ = −(1 + βt)")
    require((beta * t).is_positive, "so |1 − hβ| > 1")
