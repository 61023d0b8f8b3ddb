"""Row and column sums: operator norms and logarithmic norms in L∞ and L1.

Statement.  1. |Σ_i w_i d_i| ≤ Σ_i |w_i| a_i where |d_i| ≤ a_i, and d_i = a_i·sign w_i attains it. So ‖W‖_∞ is the
               largest row sum of |W|. Σ_j b_j|Σ_i w_ji d_i| ≤ Σ_i (Σ_j b_j|w_ji|)|d_i|, and a unit vector attains it.
               So ‖W‖₁ is the largest column sum.
            2. The row sums of |W₂||W₁| are at most the product of the largest row sums.
            3. (‖I + hJ‖ − 1)/h is max_i (J_ii + Σ_{j≠i}|J_ij|) in L∞ for all small h > 0, by columns in L1. Where
               |e_i| is the largest entry of e, sign(e_i)(Je)_i is at most that times ‖e‖_∞; and Σ_i sign(e_i)(Je)_i is
               at most the one by columns times ‖e‖₁.
            4. For J = W₂DW₁ and d_k between l_k and u_k, row i is at most Σ_k max over d in {l_k, u_k} of
               (W₂_ik W₁_ki d + |d| Σ_{j≠i}|W₂_ik W₁_kj|).
Proof.      Term by term; sums are exchanged; |·| is convex.
"""

from itertools import product
from typing import Any

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement=(
        "‖W‖_∞ and ‖W‖₁ are the largest row and column sums of |W|; μ_∞ = max_i (J_ii + Σ_{j≠i}|J_ij|), μ₁ by columns; "
        "chains by |W₂||W₁|, two layers unit by unit"
    ),
    assumptions=("real matrices", "secant slopes of σ lie in [l, u]"),
    source="theory, sections 1 and 8; natrob_theory/layers/entry_sums.py, two_layer_rows.py",
    verdict=Verdict.PROVED,
)

SIZE = 3
SIGNS = (-1, 1)


def check() -> None:
    """Rows, columns, chains, logarithmic norms, two layers."""
    _rows()
    _columns()
    _chains()
    _logarithmic_norm()
    _at_the_largest_entry()
    _by_columns()
    _unit_by_unit()


def _matrix(name: str) -> list[list[sympy.Symbol]]:
    """Nonnegative symbols: the sizes of a matrix's entries."""
    return [[sympy.Symbol(f"{name}_{j}{i}", nonnegative=True) for i in range(SIZE)] for j in range(SIZE)]


def _rows() -> None:
    size, bound, short = sympy.symbols("m a s", nonnegative=True)
    # one term: w = σm, d = τ(a − s) with 0 ≤ s ≤ a, so |wd| = m(a − s)
    for sign, other in product(SIGNS, SIGNS):
        term = sign * size * other * (bound - short)
        require_equal(term**2, (size * (bound - short)) ** 2, "the size of a term")
    require_at_most(size * (bound - short), size * bound, size * short, "|w d| ≤ |w| a")
    # a + b ≤ |a| + |b| entry by entry, and the signs of the row attain the sum
    sizes, bounds = sympy.symbols("m_0:3", nonnegative=True), sympy.symbols("a_0:3", nonnegative=True)
    for signs in product(SIGNS, repeat=SIZE):
        attained = sum(sign * m * sign * a for sign, m, a in zip(signs, sizes, bounds, strict=True))
        require_equal(attained, sum(m * a for m, a in zip(sizes, bounds, strict=True)), "d_i = a_i sign w_i attains it")
    # all a_i = 1: the row sum
    largest, less = sympy.symbols("R r", nonnegative=True)
    require_at_most(largest - less, largest, less, "every row sum is at most the largest")


def _columns() -> None:
    sizes = _matrix("m")
    weights, lengths = sympy.symbols("b_0:3", nonnegative=True), sympy.symbols("e_0:3", nonnegative=True)
    by_rows = sum(weights[j] * sum(sizes[j][i] * lengths[i] for i in range(SIZE)) for j in range(SIZE))
    by_columns: Any = sum(sum(weights[j] * sizes[j][i] for j in range(SIZE)) * lengths[i] for i in range(SIZE))
    require_equal(by_rows, by_columns, "the sums are exchanged")
    # with column sums C − c_i
    largest, less = sympy.symbols("C", nonnegative=True), sympy.symbols("c_0:3", nonnegative=True)
    total = sum((largest - c) * e for c, e in zip(less, lengths, strict=True))
    rest = sum(c * e for c, e in zip(less, lengths, strict=True))
    require_at_most(total, largest * sum(lengths), rest, "‖Wd‖₁ ≤ C‖d‖₁")
    unit = {lengths[0]: 1, lengths[1]: 0, lengths[2]: 0}
    require_equal(by_columns.subs(unit), sum(weights[j] * sizes[j][0] for j in range(SIZE)), "a unit vector attains it")


def _chains() -> None:
    second = sympy.symbols("m_0:3", nonnegative=True)
    largest, less = sympy.symbols("R", nonnegative=True), sympy.symbols("r_0:3", nonnegative=True)
    through = sum(m * (largest - r) for m, r in zip(second, less, strict=True))
    rest = sum(m * r for m, r in zip(second, less, strict=True))
    require_at_most(through, sum(second) * largest, rest, "a row of |W₂||W₁|")


def _logarithmic_norm() -> None:
    h = sympy.symbols("h", positive=True)
    diagonal, others = sympy.symbols("J", real=True), sympy.symbols("S", nonnegative=True)
    left = sympy.symbols("p", nonnegative=True)  # 1 + hJ ≥ 0, as it is for all small h
    row = left + h * others
    require_equal(((row - 1) / h).subs(left, 1 + h * diagonal), diagonal + others, "(‖row of I + hJ‖ − 1)/h")


def _at_the_largest_entry() -> None:
    # |e_i| = E, e_j = τ_j(E − s_j), J_ij = σ_j m_j: sign(e_i)(Je)_i = J_ii E + Σ ±m_j(E − s_j)
    diagonal = sympy.symbols("J", real=True)
    longest = sympy.symbols("E", positive=True)
    sizes, short = sympy.symbols("m_0:2", nonnegative=True), sympy.symbols("s_0:2", nonnegative=True)
    entries = [sympy.symbols(f"e_{j}", nonnegative=True) for j in range(2)]  # E − s_j ≥ 0
    bound = (diagonal + sum(sizes)) * longest
    for signs in product(SIGNS, repeat=2):
        value = diagonal * longest + sum(s * m * e for s, m, e in zip(signs, sizes, entries, strict=True))
        lost = sum((1 - s) * m * e for s, m, e in zip(signs, sizes, entries, strict=True))
        given = {s: longest - e for s, e in zip(short, entries, strict=True)}
        rest: Any = lost + sum(m * s for m, s in zip(sizes, short, strict=True))
        require_equal(bound - value, rest.subs(given), "what the bound leaves")
        require(rest.is_nonnegative, "it is at least 0")


def _by_columns() -> None:
    # Σ_i sign(e_i)(Je)_i = Σ_j e_j Σ_i sign(e_i) J_ij; column j gives |e_j|(J_jj + Σ_i ±|J_ij|)
    length, diagonal = sympy.symbols("e", nonnegative=True), sympy.symbols("J", real=True)
    sizes, less = sympy.symbols("m_0:2", nonnegative=True), sympy.symbols("l_0:2", nonnegative=True)
    # signs between −1 and 1 (any, where an entry is 0): ±m_i = m_i − l_i with 0 ≤ l_i ≤ 2m_i
    value = length * (diagonal + sum(m - lost for m, lost in zip(sizes, less, strict=True)))
    bound = length * (diagonal + sum(sizes))
    require_at_most(value, bound, length * sum(less), "a column of Σ sign(e_i)(Je)_i")


def _unit_by_unit() -> None:
    own, others = sympy.symbols("o", real=True), sympy.symbols("S", nonnegative=True)
    share = sympy.symbols("t", nonnegative=True)
    remaining = sympy.symbols("q", nonnegative=True)  # 1 − t
    # sizes of the two ends; every pattern of signs of l and u
    low, high = sympy.symbols("x y", nonnegative=True)
    for first, second in product(SIGNS, SIGNS):
        middle = remaining * first * low + share * second * high
        mixed = remaining * (own * first * low + others * low) + share * (own * second * high + others * high)
        for sign in SIGNS:  # |d| is d or −d
            value = own * middle + others * sign * middle
            lost = others * (remaining * low * (1 - sign * first) + share * high * (1 - sign * second))
            require_at_most(value, mixed, lost, "a convex function of d is at most the mean of its ends")
    # a mean is at most the larger end; |Σ_k x_k| ≤ Σ_k|x_k| entry by entry (above)
    larger, less = sympy.symbols("g d", nonnegative=True)
    mean = remaining * larger + share * (larger - less)
    require_at_most(mean.subs(remaining, 1 - share), larger, share * less, "the mean is at most the larger end")
