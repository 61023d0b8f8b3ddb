"""ReLU units that hardly act on each other: an adaptive step keeps the order of its method.

Statement.  f(u) = −Wᵀσ(Wu + b), σ the ReLU, WWᵀ = Λ + C with Λ diagonal, K = ‖W‖², v = ‖f(y)‖, s = ‖σ(Wy + b)‖. A
            step of size h with hK = a errs by at most h(η(a)v + ‖W‖(h‖C‖/2 + |b|ᵀ(I − a|𝒜|)⁻¹δ)s), where the stages'
            polynomials R_i are at least 0 on [−hΛ, 0], δ = (I − hΛ|𝒜|)⁻¹γ, γ = h‖C‖|𝒜|(ρ + δ), ρ_i ≥ R_i there.
            Summed over any grid with steps of at most H: (e^{θT} − 1)/θ·(λ_v v + λ_s s), θ = λ_vK + λ_s‖W‖.
Proof.      Against the linear field of the step's own pattern. Its error is that of the stability polynomial. What is
            left moves flow and stages only as far as units are past their kinks, and a unit does not cross its kink by
            its own share of the flow. Variation of constants, exact and numerical, then Gronwall's recursion.
"""

from fractions import Fraction
from typing import Any

import sympy

from natrob_theory.tableaus import TABLEAUS
from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement="dense ReLU gradient flows: a step errs by h(η(hK)v + λ_s s), λ_s → 0 with the off-diagonal part of WWᵀ",
    assumptions=(
        "stages' polynomials at least 0 on [−hΛ, 0]",
        "steps of at most H",
        "μ ≤ 0, as for every gradient flow",
    ),
    source="natrob_theory/bounds/adaptive/decoupled_units.py",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """The flow, the stages, both variations of constants, the sum, and that the coupling cannot be left out."""
    _activity_does_not_grow()
    _past_the_kink_along_the_flow()
    _flow_against_its_linear_part()
    _stages_against_their_polynomials()
    _step_against_its_linear_part()
    _sum_over_steps()
    _coupling_pushes_units_across()


def _activity_does_not_grow() -> None:
    # d/dt ½‖σ(p)‖² = σᵀp′ = −σᵀWWᵀσ = −‖Wᵀσ‖² for three units in two dimensions, which show the rule
    weight = sympy.Matrix(3, 2, sympy.symbols("w0:6", real=True))
    active = sympy.Matrix(sympy.symbols("q0:3", nonnegative=True))
    rate = (active.T * (-weight * weight.T * active))[0]
    pulled = weight.T * active
    require_at_most(rate, 0, pulled[0] ** 2 + pulled[1] ** 2, "‖σ(p)‖ does not grow along the flow")


def _past_the_kink_along_the_flow() -> None:
    # P′ = −Λσ(P) − c(t), c = (Cσ)_i. Past its kink since τ, a unit that was on has σ(P) = 0: it falls by ∫c at most.
    # One that was off has σ(P) = P ≥ 0 there: it rises by at most ∫|c|, since −ΛP ≤ 0.
    diagonal, depth = sympy.symbols("Lambda P", nonnegative=True)
    push, more = sympy.symbols("c d", nonnegative=True)  # |c| = push; c itself lies between −push and push
    require_at_most(push - more, push, more, "a unit that was on falls past its kink no faster than |c|")
    require_at_most(-diagonal * depth + push - more, push, diagonal * depth + more, "one that was off rises no faster")


def _flow_against_its_linear_part() -> None:
    # u′ = f + A(u − y) + ρ and w′ = f + A(w − y): d/dt e^{−At}(u − w) = e^{−At}ρ, one eigenvalue −λ of A at a time
    time, rate, size = sympy.symbols("t lambda h", nonnegative=True)
    gap, force = sympy.Function("g")(time), sympy.Function("r")(time)
    derivative = sympy.diff(sympy.exp(rate * time) * gap, time).subs(sympy.diff(gap, time), -rate * gap + force)
    require_equal(derivative, sympy.exp(rate * time) * force, "variation of constants")
    coupling, norm, active = sympy.symbols("C W s", nonnegative=True)
    moved = sympy.integrate(norm * time * coupling * active, (time, 0, size))  # ‖e^{A(h−t)}‖ ≤ 1, ‖ρ(t)‖ ≤ ‖W‖t‖C‖s
    require_equal(moved, norm * coupling * active * size**2 / 2, "‖W‖‖C‖s h²/2")


def _stages_against_their_polynomials() -> None:
    # P_i − R_i p = −hΛΣa_ij(σ(P_j) − R_j p) − hΣa_ij(Cσ_j)_i for p > 0; |σ(P_j) − R_j p| ≤ |P_j − R_j p| as R_j p ≥ 0
    x, p = sympy.symbols("x p", positive=True)
    for tableau in TABLEAUS:
        stages = range(tableau.stages)
        polynomials: list[Any] = []
        for row in stages:
            inner = sum((_exact(tableau.a[row][j]) * polynomials[j] for j in range(row)), sympy.Integer(0))
            polynomials.append(sympy.expand(1 - x * inner))
        values, pushes = sympy.symbols(f"v0:{tableau.stages}"), sympy.symbols(f"c0:{tableau.stages}")
        for row in stages:
            weights = [_exact(entry) for entry in tableau.a[row]]
            stage = p - sum(weights[j] * (x * values[j] + pushes[j]) for j in range(row))
            missed = -sum(weights[j] * (x * (values[j] - polynomials[j] * p) + pushes[j]) for j in range(row))
            require_equal(stage - polynomials[row] * p, missed, f"stage {row} of {tableau.name}")
    # A stage at least −δ of a unit that is on is past its kink by at most δ
    held, missing, left = sympy.symbols("R delta l", nonnegative=True)
    require_at_most(-(held * p - missing + left), missing, held * p + left, "past the kink by at most δ")


def _step_against_its_linear_part() -> None:
    # Δ = h𝒜(AΔ + ρ), so the step is off by hbᵀ(AΔ + ρ) = hbᵀ(I − a𝒜)⁻¹ρ for A of norm a/h; 𝒜 is nilpotent
    a = sympy.symbols("a", nonnegative=True)
    for tableau in TABLEAUS:
        matrix = sympy.Matrix([[abs(_exact(entry)) for entry in row] for row in tableau.a])
        weights = sympy.Matrix([[abs(_exact(entry)) for entry in tableau.b]])
        identity = sympy.eye(tableau.stages)
        inverse = _inverse(identity, a * matrix)
        require_equal(inverse * (identity - a * matrix), identity, "the sum of powers is the inverse")
        both = weights * (identity + a * inverse * matrix)
        require_equal(both, weights * inverse, f"|b|ᵀ(I + a(I − a|𝒜|)⁻¹|𝒜|) = |b|ᵀ(I − a|𝒜|)⁻¹ of {tableau.name}")


def _sum_over_steps() -> None:
    # E_{j+1} ≤ E_j + h(λ_v(v + K E_j) + λ_s(s + ‖W‖E_j)) = (1 + hθ)E_j + hc; B(t) = c(e^{θt} − 1)/θ majorises it
    h, t, theta, c = sympy.symbols("h t theta c", positive=True)
    speed, active, k, w, lv, ls, error = sympy.symbols("v s K W l_v l_s E", nonnegative=True)
    step = error + h * (lv * (speed + k * error) + ls * (active + w * error))
    require_equal(
        step, (1 + h * (lv * k + ls * w)) * error + h * (lv * speed + ls * active), "one recursion in θ and c"
    )
    bound = c * (sympy.exp(theta * t) - 1) / theta
    rest = c / theta * sympy.exp(theta * t) * (sympy.exp(theta * h) - 1 - theta * h)
    require_equal(bound.subs(t, t + h) - ((1 + h * theta) * bound + h * c), rest, "the rest of the induction")
    excess = sympy.exp(h) - 1 - h  # e^x ≥ 1 + x for x ≥ 0: 0 at 0 with slope 0, and convex
    require_equal(excess.subs(h, 0), 0, "e⁰ = 1 + 0")
    require_equal(sympy.diff(excess, h).subs(h, 0), 0, "with slope 0")
    require(sympy.diff(excess, h, 2).is_positive, "and a positive second derivative")


def _coupling_pushes_units_across() -> None:
    # Units 1 and 2 with WWᵀ = [[1, 1/2], [1/2, 1]], p = (1, 1/10): unit 2 is pushed below its kink by unit 1 alone
    coupling = sympy.Rational(1, 2)
    first, second = sympy.Integer(1), sympy.Rational(1, 10)
    size = sympy.Rational(1, 2)
    after = second - size * (second + coupling * first)  # one Euler step, from the slope at the start
    require(after < 0, "a unit that is on ends past its kink")
    require(second - size * second > 0, "its own share alone would not have brought it there")
    require(-after <= size * coupling * first, "past it by at most h|C|σ")


def _inverse(identity: Any, nilpotent: Any) -> Any:
    total, power = identity, identity
    for _ in range(identity.rows):
        power = power * nilpotent
        total = total + power
    return total


def _exact(entry: Fraction) -> Any:
    return sympy.Rational(entry.numerator, entry.denominator)
