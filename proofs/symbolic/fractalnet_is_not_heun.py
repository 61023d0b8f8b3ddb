"""Refuted: FractalNet's expansion is Heun's method.

Statement (refuted).  FractalNet with two columns, (19): ½hF(hF(y)) + ½hF(y), is Heun's method (20):
                      y + ½hF(y) + ½hF(y + hF(y)).
Counterexample.       F = 0: FractalNet gives 0, Heun's method y.
What is missing.      Two identities: the outer y, and the y inside the inner argument (fractalnet_resembles_heun.py).
                      The outer one alone fails for F(y) = y, the inner one alone for F = 0.
No consistency.       For continuous F a step of any number of columns tends to 0 as h → 0, not to y.
"""

from collections.abc import Callable
from typing import Any

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require_different, require_equal

CLAIM = Claim(
    statement="FractalNet's expansion (19) is the second-order Runge–Kutta method (20), Heun's method",
    assumptions=("h > 0", "two columns; for the limit any number of columns and a continuous F"),
    source="the paper's (19), (20); theory, sections 1 and 2",
    verdict=Verdict.REFUTED,
)

Map = Callable[[Any], Any]

h = sympy.Symbol("h", positive=True)
y = sympy.Symbol("y", real=True)
generic: Map = sympy.Function("F")
HALF = sympy.Rational(1, 2)


def check() -> None:
    """FractalNet from its recursion, each of the missing identities alone, and the limit h → 0."""
    _expansion()
    _one_identity_does_not()
    _limit_of_small_steps()


def fractalnet(field: Map, columns: int) -> Map:
    """(19): f_1 = hF and f_{C+1} = ½ f_C∘f_C + ½ f_1."""
    if columns == 1:
        return lambda point: h * field(point)
    inner = fractalnet(field, columns - 1)
    return lambda point: HALF * inner(inner(point)) + HALF * h * field(point)


def heuns_method(field: Map, point: Any) -> Any:
    """(20) by its stages: k_1 = F(y), k_2 = F(y + hk_1), y + ½h(k_1 + k_2)."""
    first = field(point)
    second = field(point + h * first)
    return point + h * (first + second) / 2


def with_identities(field: Map, point: Any, *, outer: int, inner: int) -> Any:
    """The two-column expansion with y added outside (outer = 1), inside the inner argument (inner = 1), or not (0)."""
    return outer * point + HALF * h * field(inner * point + h * field(point)) + HALF * h * field(point)


def _expansion() -> None:
    """Two columns of (19) are the expansion with neither identity."""
    expansion = fractalnet(generic, 2)(y)
    require_equal(expansion, HALF * h * generic(h * generic(y)) + HALF * h * generic(y), "½hF(hF(y)) + ½hF(y)")
    # the counterexample F = 0 at y = 1
    require_different(fractalnet(lambda _point: 0, 2)(1), heuns_method(lambda _point: 0, 1), "F = 0: 0 against 1")


def _one_identity_does_not() -> None:
    """Neither suffices alone: exact counterexamples at h = 1, y = 1."""

    def linear(point: Any) -> Any:
        return point

    outer_only = with_identities(linear, y, outer=1, inner=0).subs({h: 1, y: 1})
    heun = heuns_method(linear, y).subs({h: 1, y: 1})
    require_equal(outer_only, 2, "outer alone, F(y) = y: 1 + ½ + ½")
    require_equal(heun, sympy.Rational(5, 2), "Heun's method: 1 + 1 + ½")
    require_different(outer_only, heun, "2 is not 5/2")

    def zero(_point: Any) -> Any:
        return sympy.Integer(0)

    inner_only = with_identities(zero, sympy.Integer(1), outer=0, inner=1)
    require_different(inner_only, heuns_method(zero, sympy.Integer(1)), "inner alone, F = 0: 0 is not 1")


def _limit_of_small_steps() -> None:
    """At h = 0 every f_C is 0, and f_C is continuous in (h, y) as a composition of continuous maps."""
    # f_1 = hF
    require_equal(fractalnet(generic, 1)(y).subs(h, 0), 0, "f_1 = 0 at h = 0")
    # f_{C+1} = ½ f_C(f_C(y)) + ½hF(y) for an f_C that is 0 at h = 0 everywhere
    column = sympy.Lambda(y, sympy.Integer(0))
    following = HALF * column(column(y)) + HALF * h * generic(y)
    require_equal(following.subs(h, 0), 0, "f_{C+1} = 0 at h = 0 if f_C is")
    # Heun's method is y there, as every consistent method is
    require_equal(heuns_method(generic, y).subs(h, 0), y, "Heun's method is y at h = 0")
    require_different(
        fractalnet(generic, 2)(y).subs(h, 0), heuns_method(generic, y).subs(h, 0).subs(y, 1), "0 is not y = 1"
    )
