"""A factorisation of τ²I − MM* bounds ‖M‖₂: by τ in exact arithmetic, and with known errors by their sum.

Statement.  With ‖H − MM*‖₂ ≤ g, A = τ²I − H + D, ‖D‖₂ ≤ d, and RR* = A + E, ‖E‖₂ ≤ e: ‖M‖₂² ≤ τ² + g + d + e. Where
            |E| ≤ γ|R||R*| entrywise, ‖E‖₂ ≤ γ‖R‖_F² and ‖R‖_F² ≤ tr A/(1 − γ).
Proof.      ‖M*v‖² = ⟨MM*v, v⟩, and ⟨Av, v⟩ = ‖R*v‖² − ⟨Ev, v⟩ ≥ −e‖v‖². Traces of RR* = A + E.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement="if RR* = τ²I − H + D + E, then ‖M‖₂² ≤ τ² + ‖H − MM*‖₂ + ‖D‖₂ + ‖E‖₂",
    assumptions=(
        "|⟨Eu, u⟩| ≤ ‖E‖₂‖u‖² (Cauchy–Schwarz)",
        "‖M‖₂ = ‖M*‖₂",
        "the factorisation's error |E| ≤ γ|R||R*|, γ < 1 (Higham 2002, Theorem 10.3)",
    ),
    source="natrob_theory/spectra/norm_by_factorisation.py",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """The quadratic forms at one vector, then the size of the factor from traces."""
    _quadratic_forms()
    _factor_from_traces()


def _quadratic_forms() -> None:
    square, g, d, e = sympy.symbols("t g d e", nonnegative=True)  # t = τ²
    length, factor_image = sympy.symbols("v r", nonnegative=True)  # ‖v‖², ‖R*v‖²
    # each error's form lies below its norm by a gap: ⟨(MM* − H)v, v⟩ = g‖v‖² − g₁ and so on
    gaps = sympy.symbols("g_1 d_1 e_1", nonnegative=True)
    product_error = g * length - gaps[0]
    difference_error = d * length - gaps[1]  # ⟨Dv, v⟩
    factor_error = e * length - gaps[2]  # ⟨Ev, v⟩
    form_of_a = factor_image - factor_error  # A = RR* − E
    form_of_h = square * length - form_of_a + difference_error  # H = τ²I − A + D
    image = form_of_h + product_error  # ‖M*v‖² = ⟨Hv, v⟩ + ⟨(MM* − H)v, v⟩
    rest = factor_image + gaps[0] + gaps[1] + gaps[2]
    require_at_most(image, (square + g + d + e) * length, rest, "‖M*v‖² ≤ (τ² + g + d + e)‖v‖²")
    # without errors: ‖M*v‖² = τ²‖v‖² − ‖R*v‖²
    exact = image.subs({g: 0, d: 0, e: 0, gaps[0]: 0, gaps[1]: 0, gaps[2]: 0})
    require_equal(exact, square * length - factor_image, "exact: the factor's image is what is left to τ²")


def _factor_from_traces() -> None:
    # tr RR* = ‖R‖_F², and |tr E| ≤ γ tr |R||R*| = γ‖R‖_F²: ‖R‖_F² = tr A + γ‖R‖_F² − gap, solved for ‖R‖_F²
    trace, gap = sympy.symbols("a q", nonnegative=True)
    share = sympy.symbols("s", positive=True)  # γ = 1/(1 + s) < 1
    gamma = 1 / (1 + share)
    frobenius = (trace - gap) / (1 - gamma)
    require_equal(frobenius, trace + gamma * frobenius - gap, "‖R‖_F² = tr A + tr E")
    require_at_most(frobenius, trace / (1 - gamma), gap / (1 - gamma), "‖R‖_F² ≤ tr A/(1 − γ)")
    # tr A = nτ² − tr H + tr D, with tr H ≥ 0: at most nτ² and the rounding of the diagonal
    rows, square, trace_of_h = sympy.symbols("n t h", nonnegative=True)
    require_at_most(rows * square - trace_of_h, rows * square, trace_of_h, "tr(τ²I − H) ≤ nτ²")
    # ‖ |R||R*| ‖_F ≤ ‖R‖_F²: one row of |R| and one of |R| give ⟨r_i, r_j⟩ ≤ ‖r_i‖‖r_j‖, and Σ‖r_i‖²‖r_j‖² is a square
    sizes = sympy.symbols("r_0:3", nonnegative=True)
    squares = sum((one**2 * other**2 for one in sizes for other in sizes), sympy.Integer(0))
    require_equal(squares, sum((size**2 for size in sizes), sympy.Integer(0)) ** 2, "Σᵢⱼ‖rᵢ‖²‖rⱼ‖² = (Σ‖rᵢ‖²)²")
