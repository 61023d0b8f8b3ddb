"""Pad layers: the root of how often the most used pixel is used, and convolutions behind them.

Statement.  1. P puts at each place one pixel or a constant, and pixel i stands at m_i places: ‖Px − Py‖² = Σ m_i(x_i −
               y_i)², so the constant of P is exactly √max m.
            2. A convolution that reflects or repeats its border is the convolution without padding after P, so its
               constant is at most √max m times that one's.
Proof.      1. Group the summands by the pixel; a unit vector attains it. 2. Constants multiply.
"""

from collections.abc import Sequence

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement="padding by a constant, reflection, replication or a circle: ‖P‖ = √(uses of the most used pixel)",
    assumptions=("each output is one entry of the input or a constant",),
    source="natrob_theory/layers/padding.py, convolution.py",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """In general by uses, then rows of three pixels in full, then the convolution behind."""
    _by_uses()
    for places in ([1, 0, 1, 2, 1], [0, 0, 0, 1, 2, 2], [2, 0, 1, 2, 0], [None, 1, 2, None]):
        _in_full(places)
    _convolution_behind()


def _by_uses() -> None:
    # pixel i is used m − e_i times, e_i ≥ 0, m the most: its share of ‖Pd‖² is at most m·d_i²
    most, missing = sympy.symbols("m e", nonnegative=True)
    difference = sympy.symbols("d", real=True)
    share = (most - missing) * difference**2
    require_at_most(share, most * difference**2, missing * difference**2, "a pixel's share of ‖Pd‖² is at most m·d²")
    require_equal(share.subs(missing, 0), most * difference**2, "and is that for the most used pixel alone")


def _in_full(places: Sequence[int | None]) -> None:
    """`places` says which pixel stands where; None is the constant, which a difference does not see."""
    pixels = sympy.symbols("d_0:3", real=True)
    image = [sympy.Integer(0) if place is None else pixels[place] for place in places]
    uses = [sum(place == pixel for place in places) for pixel in range(3)]
    total = sum((entry**2 for entry in image), sympy.Integer(0))
    require_equal(total, sum(m * d**2 for m, d in zip(uses, pixels, strict=True)), "‖Pd‖² = Σ m_i d_i²")


def _convolution_behind() -> None:
    # ‖CPd‖² = c²p²‖d‖² less what both leave out
    size, left, rest = sympy.symbols("D g r", nonnegative=True)
    pad, kernel = sympy.symbols("p c", nonnegative=True)
    padded = pad**2 * size - left
    image = kernel**2 * padded - rest
    require_at_most(image, (kernel * pad) ** 2 * size, kernel**2 * left + rest, "‖CPd‖ ≤ ‖C‖‖P‖‖d‖")
