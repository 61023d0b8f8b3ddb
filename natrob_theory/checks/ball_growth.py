"""Growth factors in balls: the squares G², so that a tight case can be decided without a square root."""

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

from natrob_theory.layers.refusal import BallRefusedError
from natrob_theory.numbers.balls import Ball, ball, infinite_ball, root
from natrob_theory.steppers import (
    AbstractStepper,
    BackwardEulerStepper,
    EulerStepper,
    FractalNetStepper,
    PolyNetStepper,
    RevNetStepper,
    RungeKuttaStepper,
)

Couplings = Sequence[Ball]
"""x = hK of one step, one entry per coupling."""


@singledispatch
def squared_growth(stepper: AbstractStepper[Any], steps: Sequence[Couplings]) -> list[Ball]:
    """G² over the first n steps, n = 0 … N, each ball around the exact value of theory, section 1.

    Raises:
        BallRefusedError: the stepper's growth factor is not known here.

    Proof of the exact values: proofs/coq/one_step_methods.v, and where the stepper's docstring says.
    """
    raise BallRefusedError(f"no growth factor in balls is known for {stepper.name}; use arithmetic='float'")


def squared_one_sided_growth(stepper: AbstractStepper[Any], x: Ball, product: Ball) -> Ball | None:
    """G² of one step from x = hK and hμ (theory, section 1), μ ≤ K; None where the method has no formula or no bound.

    1 + 2hμ + x² for Euler's method, 1/(1 − hμ)² for backward Euler.

    Proof of the exact values: proofs/coq/euler_one_sided.v, proofs/coq/backward_euler.v.
    """
    if isinstance(stepper, EulerStepper):
        return 1 + 2 * product + x * x
    if isinstance(stepper, BackwardEulerStepper) and product < 1:
        return 1 / ((1 - product) * (1 - product))
    return None


@squared_growth.register
def _(stepper: EulerStepper, steps: Sequence[Couplings]) -> list[Ball]:
    return _running_squares([1 + x for (x,) in steps])


@squared_growth.register
def _(stepper: RungeKuttaStepper, steps: Sequence[Couplings]) -> list[Ball]:
    """The growth polynomial, with its exact fractions, by Horner's rule."""
    coefficients = [ball(entry) for entry in stepper.tableau.growth_polynomial()]
    return _running_squares([_horner(coefficients, x) for (x,) in steps])


@squared_growth.register
def _(stepper: PolyNetStepper, steps: Sequence[Couplings]) -> list[Ball]:
    ones = [ball(1.0)] * (stepper.order + 1)
    return _running_squares([_horner(ones, x) for (x,) in steps])


@squared_growth.register
def _(stepper: FractalNetStepper, steps: Sequence[Couplings]) -> list[Ball]:
    half = ball(0.5)
    factors = []
    for (x,) in steps:
        value = x
        for _ in range(stepper.columns - 1):
            value = half * value * value + half * x
        factors.append(value)
    return _running_squares(factors)


@squared_growth.register
def _(stepper: BackwardEulerStepper, steps: Sequence[Couplings]) -> list[Ball]:
    """1/(1 − x) for x < 1, no bound (+∞) for x ≥ 1; where the ball of x reaches across 1, so does the result."""
    return _running_squares([infinite_ball() if x >= 1 else 1 / (1 - x) for (x,) in steps])


@squared_growth.register
def _(stepper: RevNetStepper, steps: Sequence[Couplings]) -> list[Ball]:
    """‖M_n ⋯ M_1‖₂², M = [[1, α], [β, 1 + αβ]], from the entries of the product."""
    one, zero = ball(1.0), ball(0.0)
    rows = (one, zero, zero, one)
    squares = [one]
    for alpha, beta in steps:
        top = (rows[0] + alpha * rows[2], rows[1] + alpha * rows[3])
        rows = (*top, rows[2] + beta * top[0], rows[3] + beta * top[1])
        squares.append(_squared_norm_2x2(*rows))
    return squares


def _squared_norm_2x2(p: Ball, q: Ball, r: Ball, s: Ball) -> Ball:
    """‖[[p, q], [r, s]]‖₂² = ½(N + √(((p² + q²) − (r² + s²))² + 4(pr + qs)²)), N the sum of the squares."""
    top, bottom, mixed = p * p + q * q, r * r + s * s, p * r + q * s
    return ball(0.5) * (top + bottom + root((top - bottom) * (top - bottom) + 4 * mixed * mixed))


def _horner(coefficients: Sequence[Ball], x: Ball) -> Ball:
    """The polynomial with these coefficients, in ascending powers, at x."""
    value = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        value = value * x + coefficient
    return value


def _running_squares(factors: Sequence[Ball]) -> list[Ball]:
    """Π_{i<n} G_i² for n = 0 … N."""
    squares = [ball(1.0)]
    for factor in factors:
        squares.append(squares[-1] * factor * factor)
    return squares
