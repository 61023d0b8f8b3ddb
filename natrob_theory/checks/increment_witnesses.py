"""Why Theorem 3.2 needs the constant of the increment function: fields that outgrow e^{KT} under a Runge–Kutta method.

For a tableau with negative weights the increment function Φ of y₁ = y₀ + hΦ has the Lipschitz constant ‖b‖₁K as
h → 0 (dopri5: 5579/3392 K ≈ 1.645 K), not K. Two witnesses that e^{KT} is no bound for such a method:

* y′ = y and one step with hK = 1: for dopri5 it grows by 2.71833… > e;
* for every h a field K s(t) y with |s| ≤ 1, whose sign follows that of the weights through the stages. Over n steps of
  size h = T/n it grows by R(hK)^n → e^{‖b‖₁KT}.

What this shows: as a bound for the method with fixed steps, uniform over all fields with f(t, ·) K-Lipschitz, e^{KT}
is false for every h that is small enough, and no exponent below ‖b‖₁KT will do. What it does not show: anything about
one field. The field of the second witness changes with h; for one that is fixed while h → 0 the method converges, and
its growth tends to that of the exact flow, which is at most e^{KT} for each of these fields too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import final

import torch
from torch import Tensor

from natrob_theory.fields import broadcast_time
from natrob_theory.networks import RungeKuttaNet
from natrob_theory.numbers.argument_checks import require_count, require_positive
from natrob_theory.numbers.exponential_enclosure import exceeds_exponential, exponential_enclosure
from natrob_theory.tableaus import ButcherTableau

LARGEST_EXPONENT = 100.0
"""Up to this KT the growth is measured: its float64 must not overflow, for any tableau in use."""


@final
@dataclass(frozen=True, kw_only=True)
class SignFollowingField:
    """f(t, y) = K s(t) y with s(t_n + c_i h) = sign(b_i) at every stage of weight b_i ≠ 0, and |s| ≤ 1.

    s is continuous, of period h and linear between the stages' nodes, so f(t, ·) is K-Lipschitz for every t, and K is
    its one-sided constant too (Σ b_i = 1: s = 1 at some stage). The exact flow grows by e^{K∫s} ≤ e^{KT}. In t
    it is steep: the slope of s is of the order of 1/h.

    Args:
        tableau: the method.
        step_size: h > 0, of steps that start at t_n = nh.
        lipschitz: K > 0.

    Raises:
        TypeError, ValueError: naming the argument; two weights of opposite sign belong to the same time, at equal nodes
            or at c = 0 and c = 1 (one step's end is the next one's start).
    """

    tableau: ButcherTableau
    step_size: float
    lipschitz: float = 1.0

    def __post_init__(self) -> None:
        require_positive("step_size", self.step_size)
        require_positive("lipschitz", self.lipschitz)
        stage_signs(self.tableau)

    def sign(self, time: Tensor) -> Tensor:
        """s(t)."""
        phase = torch.remainder(time / self.step_size, 1.0)
        nodes, signs = _closed_period(self.tableau)
        value = torch.full_like(phase, float(signs[0]))
        for start, end, before, after in zip(nodes, nodes[1:], signs, signs[1:], strict=False):
            part = ((phase - float(start)) / float(end - start)).clamp(0.0, 1.0)
            value = value + float(after - before) * part
        return value.clamp(-1.0, 1.0)

    def __call__(self, time: Tensor, state: Tensor) -> Tensor:
        """f(t, y); t is a scalar or of shape (batch,)."""
        return self.lipschitz * broadcast_time(self.sign(time), state) * state


def stage_signs(tableau: ButcherTableau) -> tuple[Fraction, ...]:
    """s(c_i) at every stage: sign(b_i), and at stages of weight 0 the value that s takes between its neighbours.

    Raises:
        ValueError: two weights of opposite sign belong to the same time modulo h.
    """
    nodes, signs = _closed_period(tableau)
    return tuple(_interpolated(nodes, signs, node % 1) for node in tableau.c)


def increment_constant(tableau: ButcherTableau) -> Fraction:
    """‖b‖₁ = lim L/K as h → 0, L the Lipschitz constant of the increment function over all K-Lipschitz f.

    L ≤ (G(hK) − 1)/h with the growth polynomial G gives "at most", `SignFollowingField` gives "at least", where the
    tableau has one.

    Source: theory, section 2.
    Proof: proofs/symbolic/increment_constant.py.
    """
    return sum(map(abs, tableau.b), Fraction(0))


def witness_polynomial(tableau: ButcherTableau) -> tuple[Fraction, ...]:
    """R(x) = 1 + x bᵀS(I − xAS)⁻¹𝟙, S = diag s(c_i), ascending: one step on the sign-following field, x = hK.

    Raises:
        ValueError: as for `stage_signs`.
    """
    signs = stage_signs(tableau)
    coefficients, slopes = [Fraction(1)], list(signs)  # slopes: (SA)^k S 𝟙
    for _ in range(tableau.stages):
        coefficients.append(sum((b * k for b, k in zip(tableau.b, slopes, strict=True)), Fraction(0)))
        rows = zip(signs, tableau.a, strict=True)
        slopes = [sign * sum((a * k for a, k in zip(row, slopes, strict=True)), Fraction(0)) for sign, row in rows]
    return tuple(coefficients)


@dataclass(frozen=True, kw_only=True)
class OneStepWitness:
    """One step on y′ = Ky with hK = 1 against e, in fractions.

    Attributes:
        growth: the stability polynomial at 1, exact.
        exponential: e lies between these two.
        exceeds_exponential: whether growth > e, proved. False where growth < e is proved.
    """

    growth: Fraction
    exponential: tuple[Fraction, Fraction]
    exceeds_exponential: bool


def one_step_witness(tableau: ButcherTableau) -> OneStepWitness:
    """Does one step with hK = 1 on y′ = Ky grow by more than e = e^{KT}? No float takes part in the answer.

    Proof: proofs/coq/theorem_3_2_refuted.v, proofs/symbolic/theorem_3_2_constant.py.
    """
    growth = sum(tableau.stability_polynomial(), Fraction(0))
    return OneStepWitness(
        growth=growth,
        exponential=exponential_enclosure(Fraction(1)),
        exceeds_exponential=exceeds_exponential(growth, Fraction(1)),
    )


@dataclass(frozen=True, kw_only=True)
class IncrementWitness:
    """The sign-following field at one step size: growth over T, measured and exact, against e^{KT}.

    Attributes:
        step_size, num_steps: h and n = T/h.
        measured: ‖z_N − y_N‖/‖ε‖ by the library's own network in float64.
        exact: R(hK)^n, rounded once from the exact fraction.
        exponent: ln(exact)/(KT), which tends to ‖b‖₁.
        limit: ‖b‖₁.
        exact_flow: e^{KT∫₀¹s}, the growth of the exact flow, in float64.
        exponential: e^{KT}, in float64.
        exceeds_exponential: whether R(hK)^n > e^{KT}, proved in fractions; False where the opposite is proved.
    """

    step_size: float
    num_steps: int
    measured: float
    exact: float
    exponent: float
    limit: float
    exact_flow: float
    exponential: float
    exceeds_exponential: bool


def increment_witnesses(
    tableau: ButcherTableau, *, steps: Sequence[int], lipschitz: float = 1.0, total_time: float = 1.0
) -> tuple[IncrementWitness, ...]:
    """The growth of the sign-following fields over a fixed T, one row for each number of steps.

    Args:
        tableau: the method.
        steps: the numbers n ≥ 1 of steps; each has a field of its own.
        lipschitz: K > 0 of every field.
        total_time: T > 0. The exponents in the proofs are rational, so KT is taken exactly as the floats say.

    Raises:
        TypeError, ValueError: naming the argument; KT is above 100, where the growth leaves the floats' range; the
            tableau has no such field, see `SignFollowingField`.

    Proof: proofs/symbolic/increment_constant.py.
    """
    exponent = require_positive("lipschitz", lipschitz) * require_positive("total_time", total_time)
    if exponent > LARGEST_EXPONENT:
        raise ValueError(f"`lipschitz` times `total_time` must be at most {LARGEST_EXPONENT:g}, got {exponent}")
    return tuple(_witness(tableau, require_count("steps", n), lipschitz, total_time) for n in steps)


def _witness(tableau: ButcherTableau, steps: int, lipschitz: float, total_time: float) -> IncrementWitness:
    exponent = Fraction(lipschitz) * Fraction(total_time)
    x = exponent / steps
    growth = sum((entry * x**power for power, entry in enumerate(witness_polynomial(tableau))), Fraction(0))
    step_size = total_time / steps
    field = SignFollowingField(tableau=tableau, step_size=step_size, lipschitz=lipschitz)
    net = RungeKuttaNet(field, step_size, steps, tableau=tableau)
    exact = growth**steps
    return IncrementWitness(
        step_size=step_size,
        num_steps=steps,
        measured=float(net(torch.ones(1, 1, dtype=torch.float64))),
        exact=float(exact),
        exponent=math.log(exact) / float(exponent),
        limit=float(increment_constant(tableau)),
        exact_flow=math.exp(float(exponent * mean_sign(tableau))),
        exponential=math.exp(float(exponent)),
        exceeds_exponential=exceeds_exponential(exact, exponent),
    )


def mean_sign(tableau: ButcherTableau) -> Fraction:
    """∫₀¹ s of the sign-following field over one step, in units of h: its exact flow grows by e^{KT∫s}."""
    nodes, signs = _closed_period(tableau)
    pieces = zip(nodes, nodes[1:], signs, signs[1:], strict=False)
    return sum(((end - start) * (one + other) / 2 for start, end, one, other in pieces), Fraction(0))


@cache
def _closed_period(tableau: ButcherTableau) -> tuple[tuple[Fraction, ...], tuple[Fraction, ...]]:
    """Nodes from 0 to 1 and the values of s there; between them s is linear."""
    known: dict[Fraction, Fraction] = {}
    for stage, (weight, node) in enumerate(zip(tableau.b, tableau.c, strict=True)):
        if weight == 0:
            continue
        sign = Fraction(1 if weight > 0 else -1)
        if known.setdefault(node % 1, sign) != sign:
            raise ValueError(
                f"`tableau` must not have weights of opposite sign at one time, but {tableau.name} has them at "
                f"c = {node} modulo 1, stage {stage}: no function of t takes both signs there"
            )
    inner = sorted(known)
    around = [inner[-1] - 1, *inner, inner[0] + 1]
    values = [known[node % 1] for node in around]
    border = _interpolated(around, values, Fraction(0))
    inside = [(node, known[node]) for node in inner if node > 0]
    return (Fraction(0), *(node for node, _ in inside), Fraction(1)), (border, *(sign for _, sign in inside), border)


def _interpolated(nodes: Sequence[Fraction], values: Sequence[Fraction], place: Fraction) -> Fraction:
    """The piecewise linear function through the points, at a place between the first node and the last."""
    for start, end, before, after in zip(nodes, nodes[1:], values, values[1:], strict=False):
        if start <= place <= end:
            return before + (after - before) * (place - start) / (end - start)
    raise ValueError(f"`place` must lie between {nodes[0]} and {nodes[-1]}, got {place}")
