"""R(z) of every method, by applying its step to y′ = λy, and how far it agrees with e^z.

Statement.  One step with z = hλ multiplies y by R(z). Explicit Runge–Kutta: R(z) = 1 + z bᵀ(I − zA)⁻¹𝟙, a polynomial
            that agrees with e^z through z^p, p the order, and not beyond; dopri5: Σ_{k≤5} z^k/k! + z⁶/600. Backward
            Euler: 1/(1 − z). PolyNet of order m: Σ_{k≤m} z^k. FractalNet: R₁ = z, R_{C+1} = ½R_C² + ½z.
            Backward Euler and PolyNet agree with e^z through z only, FractalNet not even in the constant.
Proof.      Each step equation, with λy for f; for general m and C one step of an induction.
"""

import sympy

from natrob_theory.tableaus import DOPRI5, TABLEAUS, ButcherTableau
from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import polynomial_from, require, require_different, require_equal
from proofs.symbolic.linear_stages import linear_slopes, linear_step, matrix_of, ones, vector_of

CLAIM = Claim(
    statement="R(z) = 1 + z bᵀ(I − zA)⁻¹𝟙, 1/(1 − z), Σ_{k≤m} z^k, R_{C+1} = ½R_C² + ½z; agreement with e^z as stated",
    assumptions=("y′ = λy", "z = hλ ≠ 1 for backward Euler", "PolyNet: m ≥ 2 for the agreement"),
    source="Hairer, Wanner, Solving ODEs II, section IV.2; the paper's (15), (16), (19)",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """Every tableau, then the three methods that have none."""
    z = sympy.symbols("z")
    for tableau in TABLEAUS:
        check_tableau(tableau, z)
    # dopri5 in full
    taylor = sum(z**power / sympy.factorial(power) for power in range(6))
    require_equal(linear_step(matrix_of(DOPRI5), vector_of(DOPRI5.b), z), taylor + z**6 / 600, "dopri5")
    check_backward_euler(z)
    check_polynet(z)
    check_fractalnet(z)


def check_tableau(tableau: ButcherTableau, z: sympy.Symbol) -> None:
    """The stages one by one, the formula, the code's coefficients, and the comparison with e^z."""
    matrix, weights = matrix_of(tableau), vector_of(tableau.b)
    slopes = linear_slopes(matrix, z)
    # the stages solve (I − zA)k = 𝟙, and I − zA is invertible: its determinant is 1, A being strictly lower triangular
    system = sympy.eye(tableau.stages) - z * matrix
    require_equal(system * slopes, ones(tableau.stages), f"{tableau.name}: (I − zA)k = 𝟙")
    require(matrix.is_lower and all(entry == 0 for entry in matrix.diagonal()), f"{tableau.name}: A strictly lower")
    step = linear_step(matrix, weights, z)
    require_equal(step, polynomial_from(tableau.stability_polynomial(), z), f"{tableau.name}: the code's R")
    check_agreement(step, z, tableau.order, tableau.name)
    if tableau.b_embedded is not None and tableau.order_embedded is not None:
        embedded = linear_step(matrix, vector_of(tableau.b_embedded), z)
        check_agreement(embedded, z, tableau.order_embedded, f"{tableau.name}, embedded")


def check_agreement(step: sympy.Expr, z: sympy.Symbol, order: int, name: str) -> None:
    """The derivatives of R and of e^z at 0 agree through the order and differ at the next."""
    for power in range(order + 2):
        ours, exponential = (sympy.diff(one, z, power).subs(z, 0) for one in (step, sympy.exp(z)))
        if power <= order:
            require_equal(ours, exponential, f"{name}: derivative {power} at 0")
        else:
            require_different(ours, exponential, f"{name}: derivative {power} at 0")


def check_backward_euler(z: sympy.Symbol) -> None:
    """y₁ = y + z y₁ has one solution for z ≠ 1."""
    before, after = sympy.symbols("y y_1")
    (solution,) = sympy.solve(sympy.Eq(after, before + z * after), after)
    require_equal(solution / before, 1 / (1 - z), "backward Euler")
    check_agreement(solution / before, z, 1, "backward Euler")


def check_polynet(z: sympy.Symbol) -> None:
    """u₀ = y and u_{k+1} = z u_k, so u_k = z^k y, and y₁ = Σ_{k≤m} u_k."""
    k = sympy.symbols("k", integer=True, nonnegative=True)
    require_equal((z**k).subs(k, 0), 1, "PolyNet: u₀ = y")
    require_equal(z * z**k, z ** (k + 1), "PolyNet: z · z^k = z^{k+1}")
    # every order m ≥ 2 has the same terms through z²
    check_agreement(1 + z + z**2, z, 1, "PolyNet")


def check_fractalnet(z: sympy.Symbol) -> None:
    """f₁(y) = zy; if f_C(y) = R_C y for every y, then f_{C+1}(y) = ½f_C(f_C(y)) + ½zy = (½R_C² + ½z)y."""
    state, multiple = sympy.symbols("y R_C")
    once = multiple * state
    twice = once.subs(state, multiple * state)
    half = sympy.Rational(1, 2)
    require_equal(half * twice + half * z * state, (half * multiple**2 + half * z) * state, "FractalNet")
    # R_C(0) = 0 for every C: R₁(0) = 0, and R_C(0) = 0 gives R_{C+1}(0) = 0
    require_equal((half * multiple**2 + half * z).subs({multiple: 0, z: 0}), 0, "FractalNet: R(0) = 0")
    require_different(sympy.exp(z).subs(z, 0), 0, "e⁰ ≠ 0")
