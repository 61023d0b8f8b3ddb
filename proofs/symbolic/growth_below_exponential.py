"""Nonnegative tableaus with as many stages as their order: G(x) = Σ_{k≤p} x^k/k! ≤ e^x for all x ≥ 0.

Statement.  If aᵢⱼ, bᵢ ≥ 0 and the method of s stages has order p = s, then G(x) is Taylor's polynomial of e^x of degree
            p, so G(hK)^n ≤ e^{nhK} for every h > 0. So it is for Euler, Heun, Heun–Euler, the explicit
            midpoint rule, classic RK4, and Bogacki–Shampine, whose fourth stage has weight 0.
Proof.      (1) G = R without negative coefficients; R has degree at most s; order p makes R agree with e^z through
                z^p, y′ = λy being one of the equations. With p = s nothing is left over.
            (2) T_p(x) ≤ e^x by induction on p: d_p = e^x − T_p has d_p(0) = 0 and d_p′ = d_{p−1} ≥ 0.
"""

import sympy

from natrob_theory.tableaus import BOGACKI_SHAMPINE, EULER, HEUN, HEUN_EULER, MIDPOINT, RK4, TABLEAUS
from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import polynomial_from, require, require_equal
from proofs.symbolic.linear_stages import bounded_growth, linear_step, matrix_of, vector_of

CLAIM = Claim(
    statement="G(x) = Σ_{k≤p} x^k/k! ≤ e^x for x ≥ 0, for nonnegative tableaus whose order p is their number of stages",
    assumptions=(
        "all coefficients nonnegative",
        "p = s, stages after the last nonzero weight not counted",
        "x = hK ≥ 0",
    ),
    source="theory, sections 1 and 2, for the paper's (11)",
    verdict=Verdict.PROVED_FOR_EVERY_STEP,
)


def check() -> None:
    """What G is, then where it lies."""
    x = sympy.symbols("x", nonnegative=True)
    for stages in range(1, 5):
        check_degree(stages, x)
    covered = []
    for tableau in TABLEAUS:
        used = max(stage for stage, weight in enumerate(tableau.b, start=1) if weight != 0)
        coefficients = [*tableau.b, *(entry for row in tableau.a for entry in row)]
        if tableau.order == used and all(entry >= 0 for entry in coefficients):
            covered.append(tableau)
            # R by the stages, G from the code: both are Taylor's polynomial
            taylor = sum(x**power / sympy.factorial(power) for power in range(used + 1))
            require_equal(linear_step(matrix_of(tableau), vector_of(tableau.b), x), taylor, f"{tableau.name}: R = T_p")
            require_equal(polynomial_from(tableau.growth_polynomial(), x), taylor, f"{tableau.name}: G = T_p")
    require(
        all(tableau in covered for tableau in (EULER, HEUN, HEUN_EULER, MIDPOINT, RK4, BOGACKI_SHAMPINE)),
        "the tableaus of the statement",
    )
    check_inequality(x)


def check_degree(stages: int, x: sympy.Symbol) -> None:
    """(1) with a letter for every nonnegative entry: G = R, and its degree is at most the number of stages."""
    matrix = sympy.Matrix(stages, stages, lambda i, j: sympy.Symbol(f"a_{i}{j}", nonnegative=True) if j < i else 0)
    weights = sympy.Matrix(stages, 1, lambda i, _: sympy.Symbol(f"b_{i}", nonnegative=True))
    growth = bounded_growth(matrix, weights, x)
    require_equal(growth, linear_step(matrix, weights, x), f"s = {stages}: G = R")
    require(sympy.Poly(growth, x).degree() <= stages, f"s = {stages}: the degree of R")


def check_inequality(x: sympy.Symbol) -> None:
    """(2) for every p; the integrals of the induction once more in full for p = 1, …, 4."""
    t = sympy.symbols("t", nonnegative=True)
    k = sympy.symbols("k", integer=True, positive=True)
    # T_p′ = T_{p−1}: the constant goes, and the term of degree k turns into that of degree k − 1
    require_equal(sympy.diff(x**k / sympy.factorial(k), x), x ** (k - 1) / sympy.factorial(k - 1), "one term's slope")
    # so d_p′ = e^x − T_{p−1} = d_{p−1}, and d_p(0) = e⁰ − 1: the terms of degree k ≥ 1 vanish at 0
    require_equal(sympy.diff(sympy.exp(x), x), sympy.exp(x), "(e^x)′ = e^x")
    require_equal(sympy.exp(x).subs(x, 0) - 1, 0, "d_p(0) = 0")
    require_equal((x**k).subs(x, 0), 0, "0^k = 0 for k ≥ 1")
    # the start, p = 0: e^x − 1 is the integral of something positive
    require_equal(sympy.exp(x) - 1, sympy.integrate(sympy.exp(t), (t, 0, x)), "d_0(x) = ∫₀^x e^t dt")
    require(sympy.exp(t).is_positive, "e^t > 0")
    # the step: d_p(x) = ∫₀^x d_{p−1}(t) dt
    for p in range(1, 5):
        before, after = (sympy.exp(x) - sum(x**j / sympy.factorial(j) for j in range(q + 1)) for q in (p - 1, p))
        require_equal(sympy.integrate(before.subs(x, t), (t, 0, x)), after, f"d_{p} = ∫ d_{p - 1}")
