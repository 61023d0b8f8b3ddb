"""Every tableau of the library has the order it declares, the comparison weights of embedded pairs too, and no more.

Statement.  For y′ = f(t, y) and one step of size h from an exact value, y₁ − y(t₀ + h) = O(h^{p+1}) with the declared
            p, and for some f it is C h^{p+1} with C ≠ 0.
Proof.      (1) Row sums c = A𝟙 and Σbᵢ = 1 reduce f(t, y) to an autonomous field.
            (2) The exact solution and the numerical one are expanded over elementary differentials and have the same
                coefficients through order p; the rest of both Taylor formulas is O(h^{p+1}).
            (3) At order p + 1 some tree's coefficients differ. The tree itself is a system of differential equations
                on which the two solutions differ by C h^{p+1}: (2) alone would not exclude that the differing terms
                cancel for every f.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import sympy

from natrob_theory.tableaus import TABLEAUS, ButcherTableau
from proofs.claim import Claim, Verdict
from proofs.symbolic.elementary_differentials import Series, Tree, exact_flow, numerical_step, order
from proofs.symbolic.exact_steps import rational, require, require_different, require_equal

CLAIM = Claim(
    statement="every tableau, and every embedded comparison solution, has exactly its declared order",
    assumptions=(
        "for the order from below: f is p times continuously differentiable, with a Lipschitz p-th derivative",
    ),
    source="Hairer, Nørsett, Wanner, Solving ODEs I, section II.2; the tableaus' own sources",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """The reduction, the two expansions, and a witness at the first order at which they differ."""
    for tableau in TABLEAUS:
        check_autonomous_form(tableau)
        check_order(tableau, tableau.b, tableau.order)
        require((tableau.b_embedded is None) is (tableau.order_embedded is None), "a pair is complete")
        if tableau.b_embedded is not None and tableau.order_embedded is not None:
            check_order(tableau, tableau.b_embedded, tableau.order_embedded)


def check_autonomous_form(tableau: ButcherTableau) -> None:
    """(t, y)′ = (1, f): the stages' first component must be the time t + cᵢh at which the code evaluates f."""
    t, h = sympy.symbols("t h", positive=True)
    for row, node in zip(tableau.a, tableau.c, strict=True):
        time = t + h * sum(rational(entry) for entry in row)
        require_equal(time, t + rational(node) * h, f"{tableau.name}: stage time")
    require_equal(t + h * sum(rational(weight) for weight in tableau.b), t + h, f"{tableau.name}: a step ends at t + h")


def check_order(tableau: ButcherTableau, weights: Sequence[Fraction], declared: int) -> None:
    """The expansions agree through the declared order, and a system shows that they do not beyond."""
    exact, numerical = exact_flow(declared + 1), numerical_step(tableau.a, weights, declared + 1)
    # every tree of the numerical expansion is one of the exact one's, where all coefficients are positive
    require(set(numerical) <= set(exact), f"{tableau.name}: trees")
    for tree in exact:
        if order(tree) <= declared:
            require(numerical.get(tree, 0) == exact[tree], f"{tableau.name}: order {order(tree)}, tree {tree}")
    differing = [tree for tree in exact if numerical.get(tree, 0) != exact[tree]]
    require(len(differing) > 0, f"{tableau.name}: some coefficient of order {declared + 1} differs")
    check_witness(tableau, weights, differing[0], exact, numerical)


def check_witness(
    tableau: ButcherTableau, weights: Sequence[Fraction], tree: Tree, exact: Series, numerical: Series
) -> None:
    """The system y_v′ = Π y_w over the children w of v, a component for each vertex v of the tree, from y(0) = 0."""
    h = sympy.symbols("h", positive=True)
    flow = tree_flow(tree, h)
    steps = [rational(weight) * slope for weight, slope in zip(weights, tree_slopes(tree, tableau, h), strict=True)]
    local_error = sympy.expand(h * sum(steps) - flow)
    coefficient = sympy.Poly(local_error, h).coeff_monomial(h ** order(tree))
    require_equal(local_error, coefficient * h ** order(tree), f"{tableau.name}: the local error is one power of h")
    require_different(coefficient, 0, f"{tableau.name}: the local error of the tree's system")
    # the system sees the tree's coefficient, up to one factor that both expansions share
    ratio = rational(numerical.get(tree, Fraction(0)) / exact[tree])
    require_equal(h * sum(steps), ratio * flow, f"{tableau.name}: the two expansions on the tree's system")


def tree_flow(tree: Tree, time: sympy.Symbol) -> Any:
    """The root's component of the exact solution: each vertex integrates the product of its children."""
    moment = sympy.Symbol("s", positive=True)
    slope = sympy.prod([tree_flow(child, time) for child in tree])
    return sympy.integrate(sympy.sympify(slope).subs(time, moment), (moment, 0, time))


def tree_slopes(tree: Tree, tableau: ButcherTableau, h: sympy.Symbol) -> list[Any]:
    """The root's component of every stage slope kᵢ: the product over the children of their stage values h Σ aᵢⱼ kⱼ."""
    slopes: list[Any] = [sympy.Integer(1)] * tableau.stages
    for child in tree:
        inner = tree_slopes(child, tableau, h)
        for stage, row in enumerate(tableau.a):
            value = h * sum(rational(entry) * slope for entry, slope in zip(row, inner, strict=True))
            slopes[stage] = slopes[stage] * value
    return slopes
