"""Pooling: average over disjoint windows 1/√p, and max pooling √(windows that share a pixel).

Statement.  1. Averages of disjoint windows of p pixels have norm exactly 1/√p.
            2. |max a − max b| ≤ max|a − b|, so max pooling has the constant √c, c the most windows that share a pixel.
            3. Per axis c ≤ min(k, ⌈L/s⌉), L = (k − 1)d + 1, for k taps, dilation d and stride s.
Proof.      1. Cauchy–Schwarz against (1, …, 1). 2. The maximiser of a, read in b. 3. Windows that share a pixel have
            different taps there, and starts that are multiples of s within L consecutive integers.
            Overlapping average pooling is a convolution with the constant kernel 1/p (torus_convolution.py).
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require_equal
from proofs.symbolic.inner_products import FormalVectors, require_at_most

CLAIM = Claim(
    statement="adaptive average pooling: 1/√p; max pooling: √Π min(k, ⌈((k − 1)d + 1)/s⌉)",
    assumptions=("adaptive windows are disjoint and of equal size p", "Cauchy–Schwarz (inner_product_inequalities.py)"),
    source="natrob_theory/layers/pooling.py",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """Averages, maxima, and the windows that share a pixel."""
    _average()
    _maximum()
    _shared_windows()


def _average() -> None:
    # the mean is ⟨x, 1⟩/p with ‖1‖² = p, and ⟨x, 1⟩² = p‖x‖² − g
    p = sympy.symbols("p", integer=True, positive=True)
    size, g = sympy.symbols("E g", nonnegative=True)
    space = FormalVectors("x", "1")
    x, ones = space.vectors
    # in full: the variance is the rest, ‖x − mean·1‖² = ‖x‖² − p·mean²
    mean = space.inner(x, ones) / p
    deviation = space.square(x - mean * ones).subs(space.square(ones), p)
    require_equal(deviation, space.square(x) - p * mean**2, "‖x − mean·1‖² = ‖x‖² − p·mean²")
    squared_mean = (size - g) / p  # with g for that square
    require_at_most(squared_mean, size / p, g / p, "mean² ≤ ‖x‖²/p; disjoint windows add up")
    # constant windows attain it: mean² = c² and ‖x‖²/p = pc²/p
    c = sympy.symbols("c", real=True)
    require_equal(mean.subs(space.inner(x, ones), p * c) ** 2, p * c**2 / p, "attained by constant windows")
    # p = Π sizes/Π outputs, so the code's √(Π outputs/Π sizes) is 1/√p
    outputs, inputs = sympy.symbols("o i", positive=True)
    require_equal(sympy.sqrt(outputs / inputs), 1 / sympy.sqrt(inputs / outputs), "√(outputs/inputs) = 1/√p")


def _maximum() -> None:
    # i the place of a's maximum: a_i = max a, and max b = b_i + g with g ≥ 0. And a_i − b_i = M − d, M = max|a − b|
    at_b = sympy.symbols("b", real=True)
    g, d, largest = sympy.symbols("g d M", nonnegative=True)
    max_a, max_b = at_b + largest - d, at_b + g
    require_at_most(max_a - max_b, largest, d + g, "max a − max b ≤ max|a − b|, and likewise with a and b exchanged")
    # M² is one summand of the window's Σ(a − b)², so it is at most that sum
    others = sympy.symbols("R", nonnegative=True)
    require_at_most(largest**2, largest**2 + others, others, "M² ≤ Σ_window (a − b)²")
    # summed over windows each pixel counts at most c times: its count is c − e
    count, missing = sympy.symbols("c e", nonnegative=True)
    pixel = sympy.symbols("x", real=True)
    require_at_most(
        (count - missing) * pixel**2, count * pixel**2, missing * pixel**2, "Σ over windows ≤ cΣ over pixels"
    )


def _shared_windows() -> None:
    # a pixel i in window x at tap t: i = sx + dt. Two windows at the same tap: s(x − x′) = 0, so x = x′: at most k
    s, d = sympy.symbols("s d", integer=True, positive=True)
    x, other, t = sympy.symbols("x z t", integer=True)
    require_equal((s * x + d * t) - (s * other + d * t), s * (x - other), "the same tap means the same window")
    # starts lie in [i − (k − 1)d, i]: the last one minus the first, s(c − 1) for c windows, is at most L − 1.
    # With L = qs − r, 0 ≤ r ≤ s − 1, ⌈L/s⌉ = q; c ≥ q + 1 windows would span at least s·q, more than L − 1
    q, extra, r = sympy.symbols("q e r", integer=True, nonnegative=True)
    length = q * s - r
    span = s * ((q + 1 + extra) - 1)
    require_at_most(length - 1 + 1, span, s * extra + r, "q + 1 or more windows would span at least L > L − 1")
    # ⌈(qs − r)/s⌉ = q: q − 1 < L/s ≤ q, with s = r + 1 + u
    u = sympy.symbols("u", integer=True, nonnegative=True)
    step = r + 1 + u
    require_at_most((q * step - r) / step, q, r / step, "L/s ≤ q")
    require_at_most(q - 1 + 1 / step, (q * step - r) / step, u / step, "L/s ≥ q − 1 + 1/s > q − 1")
