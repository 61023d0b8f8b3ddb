"""A local error from the field's affine part and what is left: smaller where few units can switch.

Statement.  f(u) = f(y) + A(u − y) + ρ(u) on a set that holds the step's flow and stages, ρ(y) = 0, Lip ρ ≤ K_ρ,
            a = h‖A‖, x = hK, 𝒜 the tableau's matrix, r_k the stability polynomial's coefficients, p the order,
            nodes from 0 to 1, v = ‖f(y)‖. Then ‖Ψ_h(y) − φ_h(y)‖ is at most
            v h η(a) + K_ρ v e^{μ⁺h} h² (κ_b + θ(a)) + h K_ρ (|b|ᵀE + a|b|ᵀ|𝒜|(I − a|𝒜|)⁻¹S),
            η(a) = Σ_{k≥p} |r_{k+1} − 1/(k+1)!| a^k, θ(a) = Σ_{k≥1} a^k/(k+2)!, E_i the bound of stage i's distance from
            the flow, S_i ≤ h v [|𝒜|(I − x|𝒜|)⁻¹𝟙]_i that of its distance from y.
            For f = −Wᵀσ(Wy + b) with slopes from 0 to 1: A = −½WᵀW, K_ρ = ½‖W‖², and with slope ½ for the units S that
            may switch alone K_ρ = ½‖W_S‖². Any gradient flow of a convex potential: A = −½K·I, K_ρ = ½K.
Proof.      Both solutions are power series in A applied to f(y) and to the forcing r(s) = ρ(φ_s(y)), r̂_j = ρ(Y_j):
            (1) numerical: h Σ_m (hA)^m bᵀ𝒜^m (𝟙f(y) + r̂); (2) exact: Σ_m A^m ∫₀^h (h − s)^m/m! (f(y) + r(s)) ds.
            (3) The terms with f(y) differ by r_{m+1} − 1/(m+1)!, which vanishes for m < p.
            (4) The forcing at m = 0 is a quadrature of r, Lipschitz with K_ρ v e^{μ⁺h}, and stages that miss the flow
            by E. (5) At m ≥ 1 both sides are bounded apart: ‖r(s)‖ ≤ K_ρ v e^{μ⁺h} s, ‖r̂_j‖ ≤ K_ρ S_j.
            No factor e^{a} appears: norms of powers of hA are at most powers of a.
"""

from fractions import Fraction
from math import factorial
from typing import Any

import sympy

from natrob_theory.tableaus import TABLEAUS, ButcherTableau
from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import polynomial_from, rational, require, require_equal
from proofs.symbolic.inner_products import FormalVectors, require_at_most

CLAIM = Claim(
    statement=(
        "‖Ψ_h(y) − φ_h(y)‖ ≤ v h η(a) + K_ρ v e^{μ⁺h} h² (κ_b + θ(a)) + h K_ρ (|b|ᵀE + a|b|ᵀ|𝒜|(I − a|𝒜|)⁻¹S); a "
        "gradient flow of one layer has A = −½WᵀW and K_ρ = K/2"
    ),
    assumptions=(
        "f is autonomous, K-Lipschitz on the set; the set holds y, the flow of one step from y and the stages",
        "‖A‖ is taken in the norm of the bound, and is bounded apart from K",
        "slopes of σ, secants included, lie from 0 to 1",
    ),
    source="theory, section 8; natrob_theory/bounds/adaptive/local_error.py",
    verdict=Verdict.PROVED,
)

EXTRA = 4
"""Powers of A beyond the stages, where the numerical series has ended and the exact one goes on."""


def check() -> None:
    """The two series, their difference, the stages, and the split of a gradient flow."""
    _exact_series()
    _bounds_of_the_exact_forcing()
    for tableau in TABLEAUS:
        _numerical_series(tableau)
        _linear_part(tableau)
        _distance_of_stages_from_the_start(tableau)
        _numerical_forcing(tableau)
    _gradient_flow()
    _cocoercive_flow()


def _exact_series() -> None:
    # w′ = f(y) + Aw + r: with T_m = ∫₀^h (h − s)^m/m! g(s) ds, T_0′ = g and T_m′ = T_{m−1}, so w = Σ A^m T_m of
    # f(y) + r.
    # On powers g = s^n, to which polynomials and their limits are reduced, T_m = n!/(n + m + 1)! h^{n+m+1}
    h, s = sympy.symbols("h s", positive=True)
    n, m = sympy.symbols("n m", integer=True, nonnegative=True)

    def term(order: Any) -> Any:
        return sympy.factorial(n) / sympy.factorial(n + order + 1) * h ** (n + order + 1)

    require_equal(sympy.combsimp(sympy.diff(term(0), h) / h**n), 1, "T_0′ = s^n")
    step = sympy.combsimp(sympy.diff(term(m + 1), h) / term(m))
    require_equal(step, 1, "T_{m+1}′ = T_m")
    for power in range(4):
        for order in range(4):
            iterated = sympy.integrate((h - s) ** order / factorial(order) * s**power, (s, 0, h))
            require_equal(iterated, term(order).subs(n, power).doit(), f"T_{order} of s^{power}")


def _bounds_of_the_exact_forcing() -> None:
    # ‖r(s)‖ ≤ cs with c = K_ρ v e^{μ⁺h}: its part at A^m is at most c‖A‖^m h^{m+2}/(m + 2)! = ch² a^m/(m + 2)!
    h, s, a = sympy.symbols("h s a", positive=True)
    for m in range(1, 6):
        moment = sympy.integrate((h - s) ** m / factorial(m) * s, (s, 0, h))
        require_equal(moment * (a / h) ** m, h**2 * a**m / factorial(m + 2), f"the forcing at A^{m}")
    k = sympy.symbols("k", integer=True, positive=True)
    theta = sympy.summation(a**k / sympy.factorial(k + 2), (k, 1, sympy.oo))
    require_equal(theta, (sympy.exp(a) - 1 - a - a**2 / 2) / a**2, "θ(a) in closed form")
    # the speed along the flow: ‖φ_s(y) − y‖ ≤ ∫₀^s v e^{μτ} dτ, at most v e^{μ⁺h} s: e^{μτ} = e^{μ⁺h} − d
    speed, growth, gap = sympy.symbols("v g d", nonnegative=True)
    require_at_most(speed * (growth - gap), speed * growth, speed * gap, "the speed on the step")


def _numerical_series(tableau: ButcherTableau) -> None:
    # k_j = f(y) + A·h Σ a_jl k_l + r̂_j; A enters by its powers alone, so a symbol z stands for hA
    z, start = sympy.symbols("z f")
    forcing = sympy.symbols(f"r:{tableau.stages}")
    slopes: list[Any] = []
    for row, own in zip(tableau.a, forcing, strict=True):
        earlier = sum((rational(entry) * slope for entry, slope in zip(row, slopes, strict=False)), sympy.Integer(0))
        slopes.append(sympy.expand(start + own + z * earlier))
    increment = sum(rational(weight) * slope for weight, slope in zip(tableau.b, slopes, strict=True))
    weights, series = list(map(rational, tableau.b)), sympy.Integer(0)
    for m in range(tableau.stages):
        series += z**m * sum(beta * (start + own) for beta, own in zip(weights, forcing, strict=True))
        weights = _row_times_matrix(weights, tableau)
    require(all(weight == 0 for weight in weights), f"{tableau.name}: 𝒜^s = 0")
    require_equal(increment, series, f"{tableau.name}: Σ_m z^m bᵀ𝒜^m (𝟙f + r̂)")


def _row_times_matrix(row: list[Any], tableau: ButcherTableau) -> list[Any]:
    return [
        sum((entry * rational(line[j]) for entry, line in zip(row, tableau.a, strict=True)), sympy.Integer(0))
        for j in range(tableau.stages)
    ]


def _linear_part(tableau: ButcherTableau) -> None:
    # bᵀ𝒜^m𝟙 are the coefficients r_{m+1} of the stability polynomial that the code has; T_m of a constant is
    # h^{m+1}/(m+1)!
    stability = [*map(rational, tableau.stability_polynomial()), *[sympy.Integer(0)] * (tableau.stages + EXTRA)]
    weights = list(map(rational, tableau.b))
    for m in range(tableau.stages + EXTRA):
        require(sum(weights) == stability[m + 1], f"{tableau.name}: r_{m + 1}")
        difference = stability[m + 1] - sympy.Rational(1, factorial(m + 1))
        if m < tableau.order:
            require(difference == 0, f"{tableau.name}: the terms below the order agree, m = {m}")
        if m == tableau.order:
            require(difference != 0 or tableau.stages > tableau.order, f"{tableau.name}: and at m = p they may differ")
        weights = _row_times_matrix(weights, tableau)
    a = sympy.symbols("a", positive=True)
    k = sympy.symbols("k", integer=True, nonnegative=True)
    # beyond the stages r vanishes, and the rest Σ_{k≥s} a^k/(k+1)! belongs to η
    rest = sympy.summation(a**k / sympy.factorial(k + 1), (k, tableau.stages, sympy.oo))
    closed = (sympy.exp(a) - sum(a**i / sympy.Integer(factorial(i)) for i in range(tableau.stages + 1))) / a
    require_equal(sympy.simplify(rest - closed), 0, f"{tableau.name}: the rest of the exponential")


def _absolute(tableau: ButcherTableau) -> list[list[Any]]:
    return [[abs(rational(entry)) for entry in row] for row in tableau.a]


def _solved(matrix: list[list[Any]], factor: Any, right: list[Any]) -> list[Any]:
    """(I − factor·matrix)⁻¹ right, from the first stage on."""
    found: list[Any] = []
    for row, own in zip(matrix, right, strict=True):
        earlier = sum((entry * value for entry, value in zip(row, found, strict=False)), sympy.Integer(0))
        found.append(sympy.expand(own + factor * earlier))
    return found


def _distance_of_stages_from_the_start(tableau: ButcherTableau) -> None:
    # ‖k_j‖ ≤ v + K S_j, S_i = h Σ|a_ij|(v + K S_j): solved by S = hv|𝒜|(I − x|𝒜|)⁻¹𝟙
    h, lipschitz, speed = sympy.symbols("h K v", positive=True)
    matrix = _absolute(tableau)
    distances: list[Any] = []
    for row in matrix:
        known = zip(row, distances, strict=False)
        distances.append(sympy.expand(h * sum((e * (speed + lipschitz * d) for e, d in known), sympy.Integer(0))))
    ones = _solved(matrix, h * lipschitz, [sympy.Integer(1)] * tableau.stages)
    for distance, row in zip(distances, matrix, strict=True):
        require_equal(
            distance, h * speed * sum(entry * one for entry, one in zip(row, ones, strict=True)), f"{tableau.name}: S"
        )


def _numerical_forcing(tableau: ButcherTableau) -> None:
    # Σ_{m≥1} a^m|b|ᵀ|𝒜|^m S, with S over hv; by the code's growth polynomial, whose coefficients are g_m = |b|ᵀ|𝒜|^m 𝟙
    a, x = sympy.symbols("a x", positive=True)
    matrix, weights = _absolute(tableau), [abs(rational(weight)) for weight in tableau.b]
    ones = _solved(matrix, x, [sympy.Integer(1)] * tableau.stages)
    distances = [sum(entry * one for entry, one in zip(row, ones, strict=True)) for row in matrix]
    inner = _solved(matrix, a, distances)
    outer = [sum(entry * value for entry, value in zip(row, inner, strict=True)) for row in matrix]
    forced = sympy.expand(a * sum(weight * value for weight, value in zip(weights, outer, strict=True)))
    # the same from m = 1 on: all of Σ a^m|b|ᵀ|𝒜|^m S without its first term
    whole = sum(weight * value for weight, value in zip(weights, inner, strict=True))
    first = sum(weight * value for weight, value in zip(weights, distances, strict=True))
    require_equal(forced, sympy.expand(whole - first), f"{tableau.name}: the forcing at m ≥ 1")
    growth = [*tableau.growth_polynomial(), *[Fraction(0)] * (2 * tableau.stages)]
    by_growth = sum(
        a ** (j + 1) * polynomial_from(tuple(growth[j + 3 : j + 3 + tableau.stages]), x) for j in range(tableau.stages)
    )
    require_equal(forced, sympy.expand(by_growth), f"{tableau.name}: Σ g_{{j+k+2}} a^{{j+1}} x^k")


def _gradient_flow() -> None:
    # ρ(z) − ρ(y) = −Wᵀ(D − C)W(z − y), D the secant slopes from 0 to 1, C = ½ on the units S and equal to D elsewhere.
    # Tested with u: a unit of S contributes (½ − g)pq, p = (Wu)_i, q = (W(z − y))_i, 0 ≤ g ≤ 1
    p, q = sympy.symbols("p q", real=True)
    g, rest = sympy.symbols("g r", nonnegative=True)  # g + r = 1
    product = (sympy.Rational(1, 2) - g) * p * q
    require_equal(
        ((p**2 + q**2) / 4 - product).subs(g, 1 - rest),
        ((1 - g) * (p - q) ** 2 / 4 + g * (p + q) ** 2 / 4).subs(g, 1 - rest),
        "a unit contributes at most (p² + q²)/4",
    )
    square = rest * (p - q) ** 2 / 4 + g * (p + q) ** 2 / 4
    require(square.is_nonnegative, "both squares have weights at least 0")
    # over S: (‖W_S u‖² + ‖W_S e‖²)/4 ≤ ½‖W_S‖² for unit vectors, by ‖W_S u‖² = ‖W_S‖² − d
    norm, short, other = sympy.symbols("w d e", nonnegative=True)
    require_at_most(((norm - short) + (norm - other)) / 4, norm / 2, (short + other) / 4, "K_ρ ≤ ½‖W_S‖²")
    # slopes from α to β: centre (α + β)/2, half-width (β − α)/2; 0 and 1 give ½ and ½
    low, width = sympy.symbols("alpha delta", real=True)
    require_equal(low + g * width - (low + width / 2), (g - sympy.Rational(1, 2)) * width, "slopes from α to α + δ")


def _cocoercive_flow() -> None:
    # ‖Δf‖² = −K⟨Δf, e⟩ − d, d ≥ 0, of a convex potential with K-Lipschitz gradient (Baillon and Haddad). Then
    # ‖Δf + ½Ke‖² = ¼K²‖e‖² − d: the remainder beside −½K·I is ½K-Lipschitz
    lipschitz = sympy.symbols("K", nonnegative=True)
    space = FormalVectors("Δf", "e")
    change, e = space.vectors
    gap = sympy.expand(-lipschitz * space.inner(change, e) - space.square(change))  # d
    require_equal(
        space.square(change + lipschitz / 2 * e),
        lipschitz**2 / 4 * space.square(e) - gap,
        "‖Δρ‖² ≤ (½K‖e‖)² beside −½K·I",
    )
    # with a constant skew S beside it: ‖(S − γI)u‖² = ‖Su‖² + γ²‖u‖², as ⟨Su, u⟩ = 0
    gamma = sympy.symbols("gamma", real=True)
    turned = FormalVectors("Su", "u")
    image, u = turned.vectors
    square = turned.square(image - gamma * u).subs(turned.inner(image, u), 0)
    require_equal(square, turned.square(image) + gamma**2 * turned.square(u), "‖S − γI‖² = ‖S‖² + γ²")
