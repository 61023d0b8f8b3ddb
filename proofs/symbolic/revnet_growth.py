"""RevNet's coupling (21) grows a perturbation of its two halves at most by M = [[1, a], [b, 1 + ab]].

Statement.  With a = hK₁ and b = hK₂: after n steps ‖Δ_n‖₂ ≤ ‖M^n‖₂ ‖Δ_0‖₂, and with constants that vary from step to
            step ‖M_n ⋯ M_1‖₂ ‖Δ_0‖₂. M^n = U_{n−1}M − U_{n−2}I with U_{−1} = 0, U_0 = 1,
            U_n = (2 + ab)U_{n−1} − U_{n−2}. ‖M^n‖₂ ≤ ‖M‖₂^n, strictly for a = 2, b = 0, n = 2, and with equality for
            a = b, where M is symmetric. Nonnegative linear couplings attain the bound.
Proof.      Norms of the halves, u = ‖Δa‖ and v = ‖Δb‖, obey an entrywise inequality with slacks; M ≥ 0 keeps it under
            multiplication; on nonnegative vectors ‖·‖₂ keeps the order. Then Cayley and Hamilton's theorem.
"""

from typing import Any

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal

CLAIM = Claim(
    statement="n steps of (21) grow ‖Δ‖₂ at most by ‖M^n‖₂ with M = [[1, hK₁], [hK₂, 1 + h²K₁K₂]]",
    assumptions=("h > 0", "f₁ is K₁-Lipschitz, f₂ is K₂-Lipschitz", "‖Δ‖₂² = ‖Δa‖₂² + ‖Δb‖₂²"),
    source="the paper's (21); theory, section 1",
    verdict=Verdict.PROVED_FOR_EVERY_STEP,
)

a, b = sympy.symbols("a b", nonnegative=True)
IDENTITY = sympy.eye(2)
M: Any = sympy.Matrix([[1, a], [b, 1 + a * b]])


def check() -> None:
    """One coupling, n of them, the powers in closed form, the norm of the power, and the couplings that attain it."""
    _one_coupling()
    _many_couplings()
    _order_of_norms()
    _powers()
    _power_of_the_norm()
    _attained()


def _one_coupling() -> None:
    """u⁺ ≤ u + av and v⁺ ≤ bu + (1 + ab)v."""
    u, v, s_1, r_1, s_2, r_2 = sympy.symbols("u v s_1 r_1 s_2 r_2", nonnegative=True)
    # Δa⁺ = Δa + hΔf₁ with ‖hΔf₁‖ = av − r₁, and the triangle inequality with slack s₁
    u_next = u + (a * v - r_1) - s_1
    # Δb⁺ = Δb + hΔf₂, where f₂ is evaluated at a_{n+1}: ‖hΔf₂‖ = b‖Δa⁺‖ − r₂
    v_next = v + (b * u_next - r_2) - s_2
    gap: Any = sympy.Matrix([s_1 + r_1, b * (s_1 + r_1) + s_2 + r_2])
    require_equal(M * sympy.Matrix([u, v]) - sympy.Matrix([u_next, v_next]), gap, "M(u, v)ᵀ − (u⁺, v⁺)ᵀ")
    require(all(entry.is_nonnegative for entry in gap), "both gaps are at least 0")


def _many_couplings() -> None:
    """w_n ≤ P w_0 and w_{n+1} ≤ M w_n give w_{n+1} ≤ MP w_0, since M ≥ 0: by induction for every product of such M."""
    majorant = sympy.Matrix(sympy.symbols("p_1 p_2", nonnegative=True))  # P w_0
    hypothesis_slack = sympy.Matrix(sympy.symbols("q_1 q_2", nonnegative=True))
    step_slack = sympy.Matrix(sympy.symbols("s_1 s_2", nonnegative=True))
    following = M * (majorant - hypothesis_slack) - step_slack
    gap = M * hypothesis_slack + step_slack
    require_equal(M * majorant - following, gap, "MPw_0 − w_{n+1} = Mq + s")
    require(all(sympy.expand(entry).is_nonnegative for entry in gap), "Mq + s ≥ 0")


def _order_of_norms() -> None:
    """0 ≤ w ≤ w + q entrywise gives ‖w‖₂² ≤ ‖w + q‖₂², so ‖w_n‖₂ ≤ ‖M^n w_0‖₂ ≤ ‖M^n‖₂‖w_0‖₂."""
    w = sympy.Matrix(sympy.symbols("u v", nonnegative=True))
    q = sympy.Matrix(sympy.symbols("q_1 q_2", nonnegative=True))
    difference = sympy.expand((w + q).dot(w + q) - w.dot(w))
    require_equal(difference, 2 * w.dot(q) + q.dot(q), "‖w + q‖² − ‖w‖² = 2⟨w, q⟩ + ‖q‖²")
    require(difference.is_nonnegative, "2⟨w, q⟩ + ‖q‖² ≥ 0")


def _powers() -> None:
    """M² = (2 + ab)M − I, so M^n = U_{n−1}M − U_{n−2}I."""
    trace = 2 + a * b
    require_equal(M.det(), 1, "det M = 1")
    require_equal(M.trace(), trace, "trace M = 2 + ab")
    require_equal(M * M, trace * M - IDENTITY, "M² = (2 + ab)M − I")
    # n = 1: M = U_0 M − U_{−1} I
    require_equal(1 * M - 0 * IDENTITY, M, "M = U_0 M − U_{−1} I")
    # n to n + 1, with any numbers in place of U_{n−1} and U_{n−2}
    current, previous = sympy.symbols("U_{n-1} U_{n-2}")
    following = trace * current - previous
    require_equal(
        M * (current * M - previous * IDENTITY), following * M - current * IDENTITY, "M^{n+1} = U_n M − U_{n−1} I"
    )
    # where ab > 0 the recursion is solved by U_{n−1} = (λ^n − λ^{−n})/(λ − λ^{−1}), λ + λ^{−1} = 2 + ab, λ > 1
    excess = sympy.Symbol("d", positive=True)
    n = sympy.Symbol("n", integer=True, positive=True)
    eigenvalue = 1 + excess

    def closed(steps: Any) -> Any:
        return (eigenvalue**steps - eigenvalue ** (-steps)) / (eigenvalue - 1 / eigenvalue)

    require_equal(closed(sympy.Integer(0)), 0, "U_{−1} = 0")
    require_equal(closed(sympy.Integer(1)), 1, "U_0 = 1")
    require_equal(
        closed(n + 1), (eigenvalue + 1 / eigenvalue) * closed(n) - closed(n - 1), "U_n = (λ + 1/λ)U_{n−1} − U_{n−2}"
    )
    # where ab = 0, λ = 1 and U_{n−1} = n: the growth is linear in n
    require_equal(n + 1, 2 * n - (n - 1), "ab = 0: U_{n−1} = n")


def _power_of_the_norm() -> None:
    """‖M^n‖₂ ≤ ‖M‖₂^n because ‖Mw‖ ≤ ‖M‖‖w‖ in every step; strict in one case, equal in another."""
    norm, before, power_slack, step_slack = sympy.symbols("‖M‖ N q s", nonnegative=True)  # N is ‖M‖^n‖w‖
    # ‖M^n w‖ = N − q by hypothesis, and ‖M^{n+1}w‖ = ‖M‖‖M^n w‖ − s
    following = norm * (before - power_slack) - step_slack
    require_equal(norm * before - following, norm * power_slack + step_slack, "‖M‖^{n+1}‖w‖ − ‖M^{n+1}w‖")
    require((norm * power_slack + step_slack).is_nonnegative, "‖M‖q + s ≥ 0")
    # strict: a = 2, b = 0, n = 2, with ‖B‖₂² the larger eigenvalue of BᵀB
    case = M.subs({a: 2, b: 0})
    norm_of_power, power_of_norm = _squared_norm(case**2), _squared_norm(case) ** 2
    require_equal(norm_of_power, 9 + 4 * sympy.sqrt(5), "‖M²‖² = 9 + 4√5")
    require_equal(power_of_norm, 17 + 12 * sympy.sqrt(2), "‖M‖⁴ = 17 + 12√2")
    require((power_of_norm - norm_of_power).is_positive, "‖M²‖ < ‖M‖²")
    # equal: for a = b the matrix is symmetric, and ‖B²‖ = ‖BᵀB‖ = ‖B‖² for a symmetric B
    symmetric = M.subs(b, a)
    require_equal(symmetric.T, symmetric, "Mᵀ = M for a = b")
    require_equal(symmetric**2, symmetric.T * symmetric, "M² = MᵀM for a = b")


def _squared_norm(matrix: Any) -> Any:
    """The larger eigenvalue of BᵀB for a matrix of numbers."""
    eigenvalues = list((matrix.T * matrix).eigenvals())
    return max(eigenvalues)


def _attained() -> None:
    """f₁(b) = K₁b and f₂(a) = K₂a, halves of size one: the coupling is M; a Δ_0 that M^n stretches most attains it."""
    h, first_constant, second_constant = sympy.symbols("h K_1 K_2", nonnegative=True)
    first, second = sympy.symbols("a_n b_n", real=True)
    moved = first + h * first_constant * second
    after = sympy.Matrix([moved, second + h * second_constant * moved])
    comparison = M.subs({a: h * first_constant, b: h * second_constant})
    require_equal(after, comparison * sympy.Matrix([first, second]), "the coupling is the matrix M")
