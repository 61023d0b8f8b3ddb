"""κ of every tableau: what a row of weights misses on a Lipschitz function, and the bracket of the local error.

Statement.  κ_i = ∫₀^{M_i} |Σ_{c_j ≤ s} a_ij − min(s, c_i)| ds, κ_b the same with b and 1, κ_d = ∫ |Σ_{c_j ≤ s} d_j| ds
            with d = b − b̂. The code's numbers are these, and so are its polynomials κ_b + x|b|ᵀ(I − x|A|)⁻¹κ and
            κ_d + x|d|ᵀ(I − x|A|)⁻¹κ. ℓ₀(h)/h = Kx[…] does not fall with h.
Proof.      (1) The kernel identity on every power g = s^k, hence on polynomials, which are dense in C¹ on [0, M]; a
            Lipschitz g is a limit of such functions of the same constant.
            (2) The areas are integrated piece by piece, in rationals, apart from the code.
            (3) E = κ + x|A|E is solved stage by stage; the code adds up powers of |A|.
Why M_i.    Fehlberg's last stage has node 1/2 and uses nodes up to 1: stopped at c_i the integral would be 0.2937
            instead of 0.3901, which is attained (local_error_sharpness.py).
"""

from fractions import Fraction
from typing import Any

import sympy

from natrob_theory import BOGACKI_SHAMPINE, DOPRI5, EULER, FEHLBERG45, HEUN, HEUN_EULER, MIDPOINT, RK4, THREE_EIGHTHS
from natrob_theory.tableaus import TABLEAUS, ButcherTableau
from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import (
    polynomial_from,
    rational,
    require,
    require_equal,
    require_positive_coefficients,
)
from proofs.symbolic.quadrature_kernels import (
    MOMENT,
    against_derivative,
    area,
    kernel_pieces,
    rationals,
)

CLAIM = Claim(
    statement=(
        "the code's κ_i, κ_b, κ_d and its polynomials κ_b + x|b|ᵀ(I − x|A|)⁻¹κ and κ_d + x|d|ᵀ(I − x|A|)⁻¹κ are the "
        "exact ones, for every tableau; ℓ₀(h)/h does not fall with h"
    ),
    assumptions=("c_i = Σ_j a_ij ≥ 0; Σ b_i = 1", "the defect is that of a function that is Lipschitz and no more"),
    source="theory, section 8; natrob_theory/tableaus/local_error_constants.py",
    verdict=Verdict.PROVED,
)

WEIGHTS = {
    EULER: Fraction(1, 2),
    HEUN: Fraction(1, 4),
    HEUN_EULER: Fraction(1, 4),
    MIDPOINT: Fraction(1, 4),
    RK4: Fraction(5, 36),
    THREE_EIGHTHS: Fraction(25, 288),
    BOGACKI_SHAMPINE: Fraction(149, 1296),
    DOPRI5: Fraction(291751616209, 2283299020800),
}
"""κ_b as theory has it."""

POWERS = range(7)


def check() -> None:
    """Every tableau; then the numbers that theory names."""
    for tableau in TABLEAUS:
        stages = [_row(tableau, row, node) for row, node in zip(tableau.a, tableau.c, strict=True)]
        weights = _row(tableau, tableau.b, Fraction(1))
        found = tableau.local_error_constants()
        require([rational(entry) for entry in found.stages] == stages, f"{tableau.name}: κ of the stages")
        require(rational(found.weights) == weights, f"{tableau.name}: κ_b")
        require(found.reach == max(1, *tableau.c), f"{tableau.name}: the latest node")
        bracket = _bracket(tableau, tableau.b, stages, weights, tableau.local_error_polynomial())
        x = sympy.Symbol("x", positive=True)
        require_positive_coefficients(sympy.expand(x * bracket.subs(_variable(), x)), x, "ℓ₀(h)/h = Kx[…] rises")
        _check_pair(tableau, stages)
    for tableau, value in WEIGHTS.items():
        require(tableau.local_error_constants().weights == value, f"{tableau.name}: κ_b as theory has it")
    _check_fehlberg()
    _check_brackets_at_one_tenth()


def _variable() -> sympy.Symbol:
    return sympy.Symbol("x")


def _row(tableau: ButcherTableau, weights: tuple[Fraction, ...], end: Fraction) -> Any:
    """κ of one row, after the kernel identity on powers."""
    entries, nodes, target = rationals(weights), rationals(tableau.c), rational(end)
    pieces = kernel_pieces(entries, nodes, target, total=target)
    for power in POWERS:
        rule = sum(entry * node**power for entry, node in zip(entries, nodes, strict=True))
        defect = rule - target ** (power + 1) / (power + 1)
        derivative = power * MOMENT ** (power - 1) if power else sympy.Integer(0)
        require_equal(defect, against_derivative(pieces, derivative), f"{tableau.name}: −∫ N dg for g = s^{power}")
    return area(pieces)


def _bracket(
    tableau: ButcherTableau,
    weights: tuple[Fraction, ...],
    stages: list[Any],
    own: Any,
    code: tuple[Fraction, ...],
) -> Any:
    """κ + x|w|ᵀE, where E = κ_stages + x|A|E is solved from the first stage on; it must be the code's polynomial."""
    x = _variable()
    errors: list[Any] = []
    for row, constant in zip(tableau.a, stages, strict=True):
        earlier = sum(
            (abs(rational(entry)) * error for entry, error in zip(row, errors, strict=False)), sympy.Integer(0)
        )
        errors.append(sympy.expand(constant + x * earlier))
    bracket = sympy.expand(own + x * sum(abs(rational(w)) * error for w, error in zip(weights, errors, strict=True)))
    require_equal(bracket, polynomial_from(code, x), f"{tableau.name}: the bracket")
    return bracket


def _check_pair(tableau: ButcherTableau, stages: list[Any]) -> None:
    """κ_d of the embedded difference, whose weights sum to 0."""
    if tableau.b_embedded is None:
        require(tableau.local_error_constants().difference is None, f"{tableau.name}: no pair, no κ_d")
        return
    difference = tuple(own - other for own, other in zip(tableau.b, tableau.b_embedded, strict=True))
    entries, nodes = rationals(difference), rationals(tableau.c)
    pieces = kernel_pieces(entries, nodes, sympy.Integer(0), total=sympy.Integer(0))
    for power in POWERS:
        rule = sum(entry * node**power for entry, node in zip(entries, nodes, strict=True))
        derivative = power * MOMENT ** (power - 1) if power else sympy.Integer(0)
        require_equal(rule, against_derivative(pieces, derivative), f"{tableau.name}: the estimate on s^{power}")
    own = area(pieces)
    found = tableau.local_error_constants().difference
    require(found is not None and rational(found) == own, f"{tableau.name}: κ_d")
    _bracket(tableau, difference, stages, own, tableau.embedded_estimate_polynomial())


def _check_fehlberg() -> None:
    """κ₆ with nodes up to 1, and what stopping at c₆ = 1/2 would give."""
    stage = FEHLBERG45.local_error_constants().stages[5]
    require(stage == Fraction(43817, 112320), "κ₆ of Fehlberg's method")
    row, node = rationals(FEHLBERG45.a[5]), rational(FEHLBERG45.c[5])
    whole = kernel_pieces(row, rationals(FEHLBERG45.c), node, total=node)
    stopped = area([piece for piece in whole if piece.stop <= node])
    require(sympy.Rational(2936, 10000) < stopped, "above 0.2936")
    require(stopped < sympy.Rational(2938, 10000), "below 0.2938, so too small")


def _check_brackets_at_one_tenth() -> None:
    """Theory's table at x = 1/10, to its last digit."""
    table = {
        EULER: "0.5",
        HEUN: "0.275",
        RK4: "0.152",
        BOGACKI_SHAMPINE: "0.1265",
        DOPRI5: "0.250",
        THREE_EIGHTHS: "0.104",
    }
    for tableau, printed in table.items():
        coefficients = tableau.local_error_polynomial()
        value = sum((entry / Fraction(10) ** power for power, entry in enumerate(coefficients)), Fraction(0))
        last_digit = Fraction(1, 10 ** len(printed.partition(".")[2]))
        require(abs(value - Fraction(printed)) <= last_digit / 2, f"{tableau.name}: the bracket at x = 1/10")
