"""Refuted: PolyNet discretises dy/dt = f for every f.

Statement (refuted).  PolyNet (15), as a truncation of backward Euler's method, tends to the flow of dy/dt = f as
                      h → 0 with T = nh fixed.
Counterexample.       f(y) = c: PolyNet of order 2 adds 2hc a step, so y_n = y_0 + 2cT for every h; the flow is
                      y_0 + cT.
In general.           The terms are u_1 = hf(y) and u_{k+1} = hf(u_k), so u_k/h → f(0) for k ≥ 2: order m tends to the
                      flow of f + (m − 1)f(0), for the paper's order 2 of f + f(0), and it is consistent only if
                      f(0) = 0.
Proof.                For a K-Lipschitz f the increment Φ(y, h) = (u_1 + … + u_m)/h differs from f(y) + (m − 1)f(0) by
                      O(h). A method whose increment tends to g is consistent with dy/dt = g and with no other field.
                      For f(y) = Ky + c the limit n → ∞ at fixed T is written out.

With a time, f(0) reads f(t, 0).
"""

from typing import Any

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_different, require_equal

CLAIM = Claim(
    statement="PolyNet (15) is a consistent discretisation of dy/dt = f for every Lipschitz f",
    assumptions=("f is K-Lipschitz; time fixed", "h → 0 with T = nh fixed"),
    source="the paper's (15) to (18); theory, section 2",
    verdict=Verdict.REFUTED,
)

h, K, T = sympy.symbols("h K T", positive=True)
y, c = sympy.symbols("y c", real=True)


def check() -> None:
    """The counterexample, the increment's limit, and the limit of an affine field."""
    _constant_field()
    _increment()
    _affine_field()


def _constant_field() -> None:
    """f = c."""
    first = h * c
    second = h * c  # hf(u_1), since f is c everywhere
    step = y + first + second
    n = sympy.Symbol("n", integer=True, nonnegative=True)
    reached = y + 2 * c * n * h
    require_equal(reached.subs(n, 0), y, "y_0")
    require_equal(reached.subs(n, n + 1), step.subs(y, reached), "y_n = y_0 + 2cnh")
    # the flow y + cT at T = nh is missed by cT, whatever h is
    missed = reached - (y + c * n * h)
    require_equal(missed, c * (n * h), "y_n − y(T) = cT")
    require_different(missed.subs({c: 1, h: T / n}).subs(T, 1), 0, "which is 1 for c = T = 1")


def _increment() -> None:
    """u_k = O(h) and u_{k+1}/h → f(0), so Φ(y, h) = (u_1 + … + u_m)/h → f(y) + (m − 1)f(0)."""
    at_origin, bound, hypothesis_slack, step_slack = sympy.symbols("‖f(0)‖ c_k q s", nonnegative=True)
    # ‖u_k‖ ≤ c_k h implies ‖u_{k+1}‖ ≤ h(‖f(0)‖ + K‖u_k‖) ≤ (‖f(0)‖ + K c_k h)h; it starts from c_1 = ‖f(y)‖
    following = h * (at_origin + K * (bound * h - hypothesis_slack)) - step_slack
    gap = h * K * hypothesis_slack + step_slack
    require_equal((at_origin + K * bound * h) * h - following, gap, "c_{k+1}h − ‖u_{k+1}‖ = hKq + s")
    require(gap.is_nonnegative, "hKq + s ≥ 0")
    # ‖u_{k+1}/h − f(0)‖ = ‖f(u_k) − f(0)‖ ≤ K‖u_k‖ ≤ K c_k h, and c_k stays bounded as h → 0
    require_equal(sympy.limit(K * bound * h, h, 0, "+"), 0, "K c_k h → 0")
    require_equal(sympy.limit(at_origin + K * bound * h, h, 0, "+"), at_origin, "c_{k+1} → ‖f(0)‖")


def _affine_field() -> None:
    """f(y) = Ky + c: y_n → e^{KT}y + 2c(e^{KT} − 1)/K, the flow of f + f(0) = Ky + 2c."""

    def field(point: Any) -> Any:
        return K * point + c

    first = h * field(y)
    step = y + first + h * field(first)
    # one step is y ↦ Gy + d, and n steps are y ↦ G^n y + d(G^n − 1)/(G − 1)
    growth, shift = 1 + h * K + (h * K) ** 2, 2 * h * c + h**2 * K * c
    require_equal(step, growth * y + shift, "PolyNet's step for Ky + c")
    n = sympy.Symbol("n", integer=True, nonnegative=True)
    reached = growth**n * y + shift * (growth**n - 1) / (growth - 1)
    require_equal(reached.subs(n, 0), y, "y_0 = y")
    require_equal(growth * reached + shift, reached.subs(n, n + 1), "y_{n+1} = Gy_n + d")
    # n → ∞ at h = T/n
    steps = sympy.Symbol("N", positive=True)
    limit = sympy.limit(reached.subs(n, steps).subs(h, T / steps), steps, sympy.oo)
    flow = sympy.exp(K * T) * y + 2 * c * (sympy.exp(K * T) - 1) / K
    require_equal(limit, flow, "the limit at fixed T")
    # that flow solves Y′ = f(Y) + f(0) from Y(0) = y, and Y′ = f(Y) only if c = 0
    require_equal(flow.subs(T, 0), y, "Y(0) = y")
    require_equal(sympy.diff(flow, T), field(flow) + field(0), "Y′ = f(Y) + f(0)")
    require_equal(sympy.diff(flow, T) - field(flow), c, "Y′ − f(Y) = f(0) = c")
