"""G(x) = 1 + x|b|ᵀ(I − x|A|)⁻¹𝟙: how far one explicit Runge–Kutta step can enlarge a difference.

Statement.  If f(t, ·) is K-Lipschitz, x = hK, then ‖e₁‖ ≤ G(x)‖e₀‖ in the same norm, for every explicit tableau and
            every h > 0. G is a polynomial with nonnegative coefficients.
Proof.      Δkᵢ = f(t + cᵢh, z_i) − f(t + cᵢh, y_i) for the stage values, so with κᵢ = ‖Δkᵢ‖/(K‖e₀‖) and N = |A|
                κᵢ ≤ 1 + x Σⱼ Nᵢⱼ κⱼ,                ‖e₁‖/‖e₀‖ ≤ 1 + x Σᵢ |bᵢ| κᵢ.                       (*)
            (1) N^s = 0 for a strictly lower triangular N of size s.
            (2) (I − xN) Σ_{k<s} x^k N^k = I − x^s N^s, and the same with the factors exchanged; so with (1)
                M = Σ_{k<s} x^k N^k is the inverse of I − xN.
            (3) Its entries are nonnegative, so (I − xN)κ ≤ 𝟙 may be multiplied by M: κ ≤ M𝟙. With (*) the claim.
            For s = 1, …, 4 the same is carried out entry by entry, and for every tableau of the library G is worked
            out and compared with the code's.
"""

import sympy

from natrob_theory.tableaus import DOPRI5, TABLEAUS, ButcherTableau
from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import polynomial_from, require, require_equal, require_positive_coefficients
from proofs.symbolic.linear_stages import bounded_growth, largest_slope_differences, matrix_of, ones, vector_of

CLAIM = Claim(
    statement="‖e₁‖ ≤ G(hK)‖e₀‖ with G(x) = 1 + x|b|ᵀ(I − x|A|)⁻¹𝟙; dopri5's coefficients as in theory, section 1",
    assumptions=(
        "f(t, ·) is K-Lipschitz at the stages' times",
        "explicit: A strictly lower triangular",
        "h > 0",
        "K > 0, e₀ ≠ 0 (else trivial)",
    ),
    source="theory, section 1",
    verdict=Verdict.PROVED_FOR_EVERY_STEP,
)


def check() -> None:
    """Any number of stages by induction, up to four with generic entries, and the library's tableaus."""
    check_stage_inequality()
    check_nilpotent()
    check_telescoping()
    check_nonnegative()
    for stages in range(1, 5):
        check_generic(stages)
    x = sympy.symbols("x", nonnegative=True)
    for tableau in TABLEAUS:
        check_tableau(tableau, x)
    rationals = ("1", "5579/3392", "391473/23744", "1466443/267120", "81/100", "1/18", "1/600")
    listed = sum(sympy.Rational(entry) * x**power for power, entry in enumerate(rationals))
    require_equal(bounded_growth(matrix_of(DOPRI5), vector_of(DOPRI5.b), x), listed, "dopri5: as theory has it")


def check_stage_inequality() -> None:
    """(*) with a letter for everything, for a stage with up to four earlier ones; E = ‖e₀‖, D_j = ‖Δk_j‖ = K E κ_j.

    Slacks: r ≥ 0 is what the triangle inequality leaves, q ≥ 0 what the Lipschitz condition leaves.
    """
    h, lipschitz, size = sympy.symbols("h K E", positive=True)
    q, r = sympy.symbols("q r", nonnegative=True)
    for earlier in range(5):
        coefficients = sympy.symbols(f"n_:{earlier}", nonnegative=True)
        differences = sympy.symbols(f"D_:{earlier}", nonnegative=True)
        weighted = sum((n * d for n, d in zip(coefficients, differences, strict=True)), sympy.Integer(0))
        # ‖z_i − y_i‖ = ‖e₀ + h Σ aᵢⱼ Δk_j‖ ≤ E + h Σ |aᵢⱼ| D_j, and ‖Δk_i‖ ≤ K‖z_i − y_i‖
        stage = size + h * weighted - r
        slope = lipschitz * stage - q
        ratios = [difference / (lipschitz * size) for difference in differences]
        bound = 1 + h * lipschitz * sum(n * kappa for n, kappa in zip(coefficients, ratios, strict=True))
        left = sympy.expand(bound - slope / (lipschitz * size))
        require(left.is_nonnegative, f"κᵢ ≤ 1 + x Σ Nᵢⱼ κⱼ, {earlier} earlier stages")
        # the step is one such combination too, with |bᵢ| for |aᵢⱼ| and without the field
        require(sympy.expand(bound - stage / size).is_nonnegative, f"‖e₁‖/‖e₀‖ ≤ 1 + x Σ |bᵢ|κᵢ, {earlier} stages")


def check_nilpotent() -> None:
    """(1) By induction (N^k)ᵢⱼ ≠ 0 needs i − j ≥ k; and i − j ≤ s − 1, so N^s = 0."""
    j, k = sympy.symbols("j k", integer=True, nonnegative=True)
    u, v = sympy.symbols("u v", integer=True, nonnegative=True)
    # a term N_il (N^k)_lj of N^{k+1} needs i ≥ l + 1, that is i = l + 1 + u, and l ≥ j + k, that is l = j + k + v
    middle = j + k + v
    row = middle + 1 + u
    require((row - j - (k + 1)).is_nonnegative, "then i − j ≥ k + 1")
    # indices from 1 to s, i = s − u and j = 1 + v, miss what (N^s)ᵢⱼ ≠ 0 needs
    s = sympy.symbols("s", integer=True, positive=True)
    require((s - ((s - u) - (1 + v))).is_positive, "i − j < s")


def check_telescoping() -> None:
    """(2) By induction on s: the term x^s N^s adds x^s N^s − x^{s+1} N^{s+1} to both products. N does not commute."""
    x = sympy.symbols("x", nonnegative=True)
    s = sympy.symbols("s", integer=True, nonnegative=True)
    n = sympy.Symbol("N", commutative=False)
    added = x**s * n**s

    def right_side(power: sympy.Expr) -> sympy.Expr:
        return 1 - x**power * n**power

    # s = 0: the empty sum is 0, and so is I − x⁰N⁰
    require(right_side(sympy.Integer(0)) == 0, "the empty sum")
    for product in ((1 - x * n) * added, added * (1 - x * n)):
        difference = sympy.powsimp(sympy.expand(product)) - (right_side(s + 1) - right_side(s))
        require(sympy.expand(difference) == 0, "one more term")


def check_nonnegative() -> None:
    """(3) Sums of products of nonnegative numbers are nonnegative: N^k entry by entry, then x^k N^k, then their sum."""
    entry, power_entry, rest, x = sympy.symbols("n p r x", nonnegative=True)
    k = sympy.symbols("k", integer=True, nonnegative=True)
    require((rest + entry * power_entry).is_nonnegative, "one more term of an entry of N · N^k")
    require((rest + x**k * power_entry).is_nonnegative, "one more term of an entry of M")
    # Mᵢⱼ times the nonnegative slack 1 − (κ − xNκ)ⱼ, summed over j, is (M𝟙 − κ)ᵢ ≥ 0
    slack = sympy.symbols("q", nonnegative=True)
    require((rest + power_entry * slack).is_nonnegative, "one more term of M times the slack")


def check_generic(stages: int) -> None:
    """All steps at once with a letter for every entry: κ with slack σ ≥ 0 in each stage against the largest κ."""
    x = sympy.symbols("x", nonnegative=True)
    entries = sympy.Matrix(stages, stages, lambda i, j: sympy.Symbol(f"n_{i}{j}", nonnegative=True) if j < i else 0)
    weights = sympy.Matrix(stages, 1, lambda i, _: sympy.Symbol(f"b_{i}", nonnegative=True))
    slacks = sympy.Matrix(stages, 1, lambda i, _: sympy.Symbol(f"sigma_{i}", nonnegative=True))
    system = sympy.eye(stages) - x * entries
    neumann = sympy.zeros(stages, stages)
    for power in range(stages):
        neumann += x**power * entries**power
    require_equal(system * neumann, sympy.eye(stages), f"s = {stages}: the Neumann sum inverts I − xN")
    # (I − xN)κ = 𝟙 − σ says: κ ≤ 𝟙 + xNκ, short by σ
    differences = neumann * (ones(stages) - slacks)
    require_equal(system * differences, ones(stages) - slacks, f"s = {stages}: the stage inequality")
    largest = largest_slope_differences(entries, x)
    for reached, bound in zip(differences, largest, strict=True):
        require(sympy.expand(bound - reached).is_nonnegative, f"s = {stages}: κ ≤ M𝟙")
    formula = 1 + x * (weights.T * neumann * ones(stages))[0]
    require_equal(bounded_growth(entries, weights, x), formula, f"s = {stages}: the bound is the formula")
    reached = 1 + x * (weights.T * differences)[0]
    require(sympy.expand(formula - reached).is_nonnegative, f"s = {stages}: ‖e₁‖ ≤ G‖e₀‖")


def check_tableau(tableau: ButcherTableau, x: sympy.Symbol) -> None:
    """The stage bounds of one tableau, the formula and the code's coefficients."""
    matrix, weights = matrix_of(tableau), vector_of(tableau.b)
    absolute = matrix.applyfunc(sympy.Abs)
    largest = largest_slope_differences(matrix, x)
    # M𝟙 = (I − xN)⁻¹𝟙
    system = sympy.eye(tableau.stages) - x * absolute
    require_equal(system * largest, ones(tableau.stages), f"{tableau.name}: (I − xN)κ = 𝟙")
    growth = bounded_growth(matrix, weights, x)
    formula = 1 + x * (weights.applyfunc(sympy.Abs).T * largest)[0]
    require_equal(growth, formula, f"{tableau.name}: the formula")
    require_equal(growth, polynomial_from(tableau.growth_polynomial(), x), f"{tableau.name}: the code's G")
    require_positive_coefficients(growth, x, f"{tableau.name}: nonnegative coefficients")
