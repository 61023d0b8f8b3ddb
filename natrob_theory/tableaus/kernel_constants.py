"""Constants of a Runge–Kutta method under a forced linear equation, power by power of its matrix.

For w′ = Aw + r(s) with r(0) = 0 the exact solution at ch is Σ_m A^m h^{m+1} ∫₀^c (c − s)^m/m! r(hs) ds, a stage or a
step is h Σ_m (hA)^m Σ_j β_j r(c_j h), β the row times 𝒜^m. They differ at A^m by at most Lip(r) h² κ^{(m)} (h‖A‖)^m,
κ^{(m)} = ∫₀^M |Σ_{c_j > s} β_j − (c − s)₊^{m+1}/(m + 1)!| ds, M = max(c, max{c_j : β_j ≠ 0}). At m = 0 it is κ.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import pairwise
from math import factorial

ZERO = Fraction(0)
BISECTIONS = 40
"""Of the place where a kernel changes its sign: what is left enters the constant squared."""

Row = tuple[Fraction, ...]


@dataclass(frozen=True, kw_only=True)
class KernelConstants:
    """Constants of the weights and of every row, for the powers 0 to stages − 1; later powers have β = 0.

    Attributes:
        weights: κ_b^{(m)}, each a fraction at or just above the exact one.
        stages: κ_i^{(m)} of each row of the matrix.
        stage_defects: |(𝒜^{m+1}𝟙)_i − c_i^{m+1}/(m + 1)!| of each row, exact: what a constant forcing misses.
    """

    weights: Row
    stages: tuple[Row, ...]
    stage_defects: tuple[Row, ...]


@cache
def kernel_constants(a: tuple[Row, ...], b: Row, c: Row) -> KernelConstants:
    """The constants of a tableau with nodes of at least 0.

    Source: theory, section 8, sharpened.
    Proof: proofs/symbolic/affine_remainder_kernels.py, proofs/symbolic/quadrature_kernels.py.
    """
    count = len(b)
    rows = [_powers(row, a, count) for row in a]
    return KernelConstants(
        weights=tuple(kernel_constant(row, c, Fraction(1), m) for m, row in enumerate(_powers(b, a, count))),
        stages=tuple(
            tuple(kernel_constant(row, c, node, m) for m, row in enumerate(powers))
            for powers, node in zip(rows, c, strict=True)
        ),
        stage_defects=tuple(
            tuple(abs(sum(row, ZERO) - node ** (m + 1) / factorial(m + 1)) for m, row in enumerate(powers))
            for powers, node in zip(rows, c, strict=True)
        ),
    )


def kernel_constant(weights: Sequence[Fraction], nodes: Sequence[Fraction], end: Fraction, power: int) -> Fraction:
    """∫₀^M |Σ_{c_j > s} w_j − (end − s)₊^{m+1}/(m + 1)!| ds for m = `power`, at most 2⁻⁴⁰ of a piece too large."""
    used = [(node, weight) for node, weight in zip(nodes, weights, strict=True) if weight != 0]
    breaks = sorted({ZERO, end, *(node for node, _ in used)})
    total = ZERO
    for start, stop in pairwise(breaks):
        height = sum((weight for node, weight in used if node >= stop), ZERO)
        if start >= end:
            total += abs(height) * (stop - start)
        else:
            total += _area(height, end - stop, end - start, power + 1)
    return total


def _area(height: Fraction, low: Fraction, high: Fraction, degree: int) -> Fraction:
    """∫ |height − r^k/k!| dr from low ≥ 0 to high, k = `degree`; at or just above it where the sign changes inside."""

    def signed(start: Fraction, stop: Fraction) -> Fraction:
        curved = (stop ** (degree + 1) - start ** (degree + 1)) / factorial(degree + 1)
        return height * (stop - start) - curved

    def below(place: Fraction) -> bool:
        return place**degree < height * factorial(degree)

    if not below(low) or below(high):
        return abs(signed(low, high))
    left, right = low, high
    for _ in range(BISECTIONS):
        middle = (left + right) / 2
        left, right = (middle, right) if below(middle) else (left, middle)
    # Between left and right the integrand is at most its value at the ends.
    between = (right - left) * max(
        height - left**degree / factorial(degree), right**degree / factorial(degree) - height
    )
    return signed(low, left) + between - signed(right, high)


def _powers(row: Sequence[Fraction], a: tuple[Row, ...], count: int) -> list[list[Fraction]]:
    """row, row·𝒜, row·𝒜², …, `count` of them."""
    found = [list(row)]
    for _ in range(count - 1):
        last = found[-1]
        found.append(
            [sum((entry * line[j] for entry, line in zip(last, a, strict=True)), ZERO) for j in range(len(last))]
        )
    return found
