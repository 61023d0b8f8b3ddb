"""Rows divided by √T_i, T_i = Σ_j |VVᵀ|_ij q_j/q_i, make a matrix of norm at most 1.

Statement.  A symmetric and positive semidefinite, q > 0, T_i = Σ_j |A_ij| q_j/q_i, all positive: A ≤ diag(T), so for
            A = VVᵀ and W = T^{−1/2}V the norm ‖W‖² = ‖WWᵀ‖ is at most 1.
Proof.      2|u_i||u_j| ≤ u_i²q_j/q_i + u_j²q_i/q_j, the rest being a square. Summed over pairs with the weights |A_ij|.
            Then WWᵀ = T^{−1/2}AT^{−1/2} ≤ I by the substitution u = T^{−1/2}v.
            For a convolution the rows are (channel, place) and q and T are those of the channel: the rows of A of one
            channel at all places hold the same numbers, the correlations of the kernels, or on a bounded image some.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement="W = T^{−1/2}V with T_i = Σ_j |VVᵀ|_ij q_j/q_i has ‖W‖₂ ≤ 1 for every q > 0",
    assumptions=("q_i > 0", "T_i > 0; a row with T_i = 0 is zero and stays so", "‖W‖₂² = ‖WWᵀ‖₂ = max ⟨v, WWᵀv⟩/‖v‖²"),
    source="natrob_theory/norm_constraints/rescaled.py (Prach and Lampert, ECCV 2022; Araujo et al., ICLR 2023)",
    verdict=Verdict.PROVED,
)

ROWS = 3


def check() -> None:
    """One pair, the sum over all pairs, the substitution, and that smaller divisors fail."""
    _one_pair()
    _all_pairs()
    _substitution()
    _smaller_divisors_fail()


def _one_pair() -> None:
    u, v = sympy.symbols("u v", real=True)
    q, r = sympy.symbols("q r", positive=True)
    rest = (u * sympy.sqrt(r / q) - v * sympy.sqrt(q / r)) ** 2
    require_at_most(2 * u * v, u**2 * r / q + v**2 * q / r, rest, "2uv ≤ u²q_j/q_i + v²q_i/q_j")


def _all_pairs() -> None:
    # Σ_ij |A_ij|u_i u_j = Σ_i T_i u_i² − ½Σ_ij |A_ij|(square_ij), u_i ≥ 0 standing for |u_i|; three rows show the rule
    a, b, c, d, f, g = sympy.symbols("a b c d f g", nonnegative=True)
    entries = sympy.Matrix([[a, b, c], [b, d, f], [c, f, g]])
    u = sympy.symbols("u0:3", nonnegative=True)
    q = sympy.symbols("q0:3", positive=True)
    divisor = [sum(entries[i, j] * q[j] / q[i] for j in range(ROWS)) for i in range(ROWS)]
    form = sum(entries[i, j] * u[i] * u[j] for i in range(ROWS) for j in range(ROWS))
    squares = [
        entries[i, j] * (u[i] * sympy.sqrt(q[j] / q[i]) - u[j] * sympy.sqrt(q[i] / q[j])) ** 2 / 2
        for i in range(ROWS)
        for j in range(ROWS)
    ]
    total = sum(divisor[i] * u[i] ** 2 for i in range(ROWS))
    require_equal(total - form, sympy.expand(sum(squares)), "ΣT_i u_i² − Σ|A_ij|u_i u_j is a sum of weighted squares")
    require(all(square.is_nonnegative for square in squares), "each of them at least 0")


def _substitution() -> None:
    # ⟨T^{−1/2}v, A T^{−1/2}v⟩ ≤ Σ T_i (T_i^{−1/2}v_i)² = ‖v‖²
    divisor, v = sympy.symbols("T", positive=True), sympy.symbols("v", real=True)
    require_equal(divisor * (v / sympy.sqrt(divisor)) ** 2, v**2, "T(T^{−1/2}v)² = v²")


def _smaller_divisors_fail() -> None:
    # A = [[1, 1], [1, 1]], q = 1: T = (2, 2) makes the norm exactly 1, and 1 % less makes it larger
    ones = sympy.ones(2, 2)
    require_equal(max((ones / 2).eigenvals()), 1, "attained")
    require(max((ones / sympy.Rational(198, 100)).eigenvals()) > 1, "a smaller divisor is none")
