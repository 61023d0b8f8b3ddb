"""Theorem 3.2 with the constant e^{TK}: refuted for dopri5, and for Fehlberg 4(5), by y′ = y.

Refuted.    "If f(t, ·) is K-Lipschitz, a one-step method grows a perturbation over T = nh by at most e^{TK}."
Proof.      y′ = y has K = 1, and a perturbation grows exactly by R(h) in a step. One dopri5 step with h = 1 grows it
            by 1631/600 = 2.71833… > e. Smaller steps do not help: R(x) > e^x for 0 < x < X, with
            1.1947238 < X < 1.1947239, so n steps of any h < X exceed e^{nh}. (R agrees with e^x through x⁵ and has
            x⁶/600 where e^x has x⁶/720.) Likewise for Fehlberg 4(5), which has x⁵/104 for x⁵/120, where
            0.8170166 < X < 0.8170167.
The repair is in `increment_constant`.
"""

from fractions import Fraction

import sympy

from natrob_theory.checks.increment_witnesses import one_step_witness
from natrob_theory.tableaus import DOPRI5, FEHLBERG45, ButcherTableau
from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import exponential_enclosure, rational, require, require_equal
from proofs.symbolic.exponential_crossing import require_single_crossing
from proofs.symbolic.linear_stages import linear_step, matrix_of, vector_of

CLAIM = Claim(
    statement="‖e_n‖ ≤ e^{TK}‖ε‖, T = nh, for every one-step method and every K-Lipschitz f(t, ·)",
    assumptions=("the counterexample: f(t, y) = y, where K = 1", "dopri5, h = 1 or any smaller h", "exact arithmetic"),
    source="the paper's Theorem 3.2; theory, section 2",
    verdict=Verdict.REFUTED,
)


def check() -> None:
    """One step with h = 1, then every smaller step, then the same for Fehlberg's method."""
    x = sympy.symbols("x", nonnegative=True)
    step = growth_on_exponential(DOPRI5, x)
    growth = step.subs(x, 1)
    require_equal(growth, sympy.Rational(1631, 600), "one dopri5 step with h = 1")
    require(growth > exponential_enclosure(Fraction(1))[1], "it grows by more than e")
    # the code's witness says the same
    witness = one_step_witness(DOPRI5)
    require_equal(growth, rational(witness.growth), "the code's growth")
    require(witness.exceeds_exponential, "the code's verdict")
    # every smaller step; powers keep the order of numbers above 0
    require_single_crossing(step, x, Fraction("1.1947238"), Fraction("1.1947239"), "dopri5 on y′ = y")
    fehlberg = growth_on_exponential(FEHLBERG45, x)
    require_single_crossing(fehlberg, x, Fraction("0.8170166"), Fraction("0.8170167"), "Fehlberg 4(5) on y′ = y")


def growth_on_exponential(tableau: ButcherTableau, step_size: sympy.Symbol) -> sympy.Expr:
    """(z₁ − y₁)/(z₀ − y₀) of one step on y′ = y, which is linear: both solutions are multiplied by R(h)."""
    clean, perturbed = sympy.symbols("y_0 z_0")
    multiple = linear_step(matrix_of(tableau), vector_of(tableau.b), step_size)
    return sympy.cancel((perturbed * multiple - clean * multiple) / (perturbed - clean))
