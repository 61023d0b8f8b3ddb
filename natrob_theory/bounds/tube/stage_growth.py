"""How the reach of a perturbation passes through the stages of each method: the seam for methods of one's own.

    @stage_growth.register
    def _(stepper: MyStepper, balls: AbstractReaches) -> Tensor:
        return balls.base + balls.visit(balls.base)

A rule mirrors the stepper's `step` with absolute values: `balls.base` stands for y_n, `balls.visit(reach)` for h·f at
the next point in the order of `stepper.evaluations`, and it returns the reach of y_{n+1}. By induction over the stages
this is an upper bound: stage i of a perturbed solution lies in the ball in which the constant of that stage was taken.
"""

from functools import singledispatch
from typing import Any

import torch
from torch import Tensor

from natrob_theory.bounds.tube.step_balls import AbstractReaches
from natrob_theory.numbers.rounding import round_up
from natrob_theory.steppers import (
    AbstractStepper,
    EulerStepper,
    FractalNetStepper,
    PolyNetStepper,
    RungeKuttaStepper,
)


@singledispatch
def stage_growth(stepper: AbstractStepper[Any], balls: AbstractReaches) -> Tensor:
    """The reach of y_{n+1}, see `StepBalls`.

    Raises:
        TypeError: no rule is registered for this method.

    Proof: proofs/symbolic/trajectory_tube.py.
    """
    raise TypeError(
        f"no tube bound is known for {stepper.name}; register its stages with "
        f"natrob_theory.bounds.tube.stage_growth.stage_growth.register"
    )


def largest_coefficient(stepper: AbstractStepper[Any]) -> float:
    """At least every weight with which the method adds h·f to something, and at least 1."""
    if not isinstance(stepper, RungeKuttaStepper):
        return 1.0
    return max(1.0, *(abs(float(entry)) for row in (*stepper.tableau.a, stepper.tableau.b) for entry in row))


@stage_growth.register
def _(stepper: EulerStepper, balls: AbstractReaches) -> Tensor:
    return round_up(balls.base + balls.visit(balls.base), 32)


@stage_growth.register
def _(stepper: RungeKuttaStepper, balls: AbstractReaches) -> Tensor:
    """Stages after the last nonzero weight are not evaluated."""
    weights = [abs(float(weight)) for weight in stepper.tableau.b]
    used = max(stage for stage, weight in enumerate(weights, start=1) if weight > 0)
    slopes: list[Tensor] = []
    for row in stepper.tableau.a[:used]:
        slopes.append(balls.visit(_advanced(balls.base, [abs(float(entry)) for entry in row], slopes)))
    return _advanced(balls.base, weights, slopes)


def _advanced(base: Tensor, weights: list[float], slopes: list[Tensor]) -> Tensor:
    """base + Σ weightᵢ slopeᵢ."""
    terms = [weight * slope for weight, slope in zip(weights, slopes, strict=False) if weight > 0]
    return round_up(torch.stack([base, *terms]).sum(dim=0), 32)


@stage_growth.register
def _(stepper: PolyNetStepper, balls: AbstractReaches) -> Tensor:
    result = term = balls.base
    for _ in range(stepper.order):
        term = balls.visit(term)
        result = round_up(result + term, 4)
    return result


@stage_growth.register
def _(stepper: FractalNetStepper, balls: AbstractReaches) -> Tensor:
    def expand(columns: int, reach: Tensor) -> Tensor:
        own = balls.visit(reach)
        if columns == 1:
            return own
        outer = expand(columns - 1, expand(columns - 1, reach))
        return round_up(0.5 * outer + 0.5 * own + balls.rounding, 8)

    return expand(stepper.columns, balls.base)
