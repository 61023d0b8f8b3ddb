"""A tube around a recorded solve holds every other solve, and the constants that hold in it bound how far they go.

Statement.  y is the exact flow of y_0, D_i the distance from it of a solve with steps of at most H at its times s_i.
            With e^{−∫μ}ℓ_i(h) ≤ λ_i h and ‖f(z_i)‖ ≤ e^{μ(s_i − t_i)}w_i + K_i D_i where step i begins, D_i ≤ D(s_i),
            where D′ = μD + a + bD, a and b the largest λ_i e^{μ(t − t_i)}w_i and λ_i K_i of all intervals that a step
            could have begun in. Between recorded states the flow leaves the chord by at most Lh²/8, L the Lipschitz
            constant of its derivative. So flow and stages of a step that begins D from y lie within gD + E + Lh²/8 +
            what stages miss of the hull of the recorded states ahead, g = e^{max(μ,0)ch}.
Proof.      Without its growth by μ, D only rises, so over a step it rises by at least h times its rate at the step's
            start. Induction over the steps of the other solve. The chord by its Green's function.
"""

from typing import Any

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement="any solve with steps of at most H stays within D of the exact flow: D′ = μD + a + bD, charged H back",
    assumptions=(
        "steps of at most H, on any grid",
        "the local errors' constants on the hull ahead, widened by what a step can reach",
    ),
    source="natrob_theory/bounds/adaptive/adaptive_tube_bound.py",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """The rise over a step, the induction, the closed form, the chord, the set, and that the look back is needed."""
    _rise_over_a_step()
    _one_more_step()
    _closed_form()
    _flow_and_its_chord()
    _what_a_step_reaches()
    _steps_begin_earlier()


def _rise_over_a_step() -> None:
    # U = e^{−∫μ}D obeys U′ = a + bU with a, b, U ≥ 0, so U(τ) ≥ U(s) on the step and U(s′) ≥ U(s) + h(a + bU(s))
    a, b, start, more, size, time = sympy.symbols("a b U m h t", nonnegative=True)
    require_at_most(a + b * start, a + b * (start + more), b * more, "U′ is at least its value at the step's start")
    risen = start + sympy.integrate(a + b * start, (time, 0, size))
    require_equal(risen, start + size * (a + b * start), "the least rise")
    # a = λw + c, b = λK + d for the interval in which the step begins
    rate, speed, constant, c, d = sympy.symbols("lambda w K c d", nonnegative=True)
    charged = start + size * rate * (speed + constant * start)
    least = risen.subs({a: rate * speed + c, b: rate * constant + d})
    require_at_most(charged, least, size * (c + d * start), "the step's own charge is within it")


def _one_more_step() -> None:
    # e^{∫μ} is M up to the step and G over it; D_i = M(U − r) with r ≥ 0, and U has risen by λh(w + KU) after it
    up, over, bound, below = sympy.symbols("M G U r", positive=True)
    rate, size, speed, constant = sympy.symbols("lambda h w K", nonnegative=True)
    less, slower = sympy.symbols("l v", nonnegative=True)
    distance = up * (bound - below)
    # the local error is ℓ‖f(z_i)‖ with ℓ = G(λh − l), l ≥ 0, and ‖f(z_i)‖ = Mw + K D_i − v, v ≥ 0
    local = over * (rate * size - less)
    moved = over * distance + local * (up * speed + constant * distance)
    allowed = over * up * (bound + rate * size * (speed + constant * bound))
    rest = over * up * (below + rate * size * constant * below + less * (speed + constant * (bound - below)))
    require_equal(allowed - moved, rest, "the rest of the induction's step, at least 0 as D_i is")
    slower_solve = over * distance + local * (up * speed + constant * distance - slower)
    require_equal(moved - slower_solve, local * slower, "a slower solve errs less")


def _closed_form() -> None:
    a, b, start, time = sympy.symbols("a b U t", positive=True)
    solution = start * sympy.exp(b * time) + a * time * (sympy.exp(b * time) - 1) / (b * time)
    require_equal(sympy.diff(solution, time), a + b * solution, "U′ = a + bU")
    require_equal(sympy.limit(solution, time, 0), start, "from U")


def _flow_and_its_chord() -> None:
    # y − chord = −∫ G(t, s) dy′(s), G ≥ 0 the Green's function of −d²/dt² on [0, h]; ∫G = t(h − t)/2
    t, s, h = sympy.symbols("t s h", positive=True)
    left, right = s * (h - t) / h, t * (h - s) / h  # for s ≤ t, and for s ≥ t
    total = sympy.integrate(left, (s, 0, t)) + sympy.integrate(right, (s, t, h))
    require_equal(total, t * (h - t) / 2, "∫G = t(h − t)/2")
    require_at_most(t * (h - t) / 2, h**2 / 8, (t - h / 2) ** 2 / 2, "at most h²/8")
    # it is one: for y = s² the formula is exact, y − chord = t² − ht = −2∫G
    require_equal(t**2 - h * t, -2 * total, "a parabola")


def _what_a_step_reaches() -> None:
    # ‖φ_τ(z) − p‖ with p on the hull: from φ_τ(z) to y, to the chord of the exact flow, to that of recorded states
    growth, distance, own, sag, stages = sympy.symbols("g D E S Z", nonnegative=True)
    a, b, c, d = sympy.symbols("a b c d", nonnegative=True)
    flow = (growth * distance - a) + (sag - b) + (own - c)
    require_at_most(flow, growth * distance + own + sag, a + b + c, "the flow of a step")
    require_at_most(flow + stages - d, growth * distance + own + sag + stages, a + b + c + d, "and its stages")


def _steps_begin_earlier() -> None:
    # λw = 1 in a short interval of length 1/50, 0 elsewhere, b = μ = 0: a step of 1/4 that begins there errs by 1/4
    short, step = sympy.Rational(1, 50), sympy.Rational(1, 4)
    charged_where_it_begins = _integral({"inside": short})
    charged_back = _integral({"inside": short, "after": step})
    require(charged_where_it_begins < step, "charged in its own interval alone it would be too little")
    require(charged_back >= step, "charged as far as H ahead it is enough")


def _integral(lengths: dict[str, Any]) -> Any:
    return sum(lengths.values(), sympy.Integer(0))
