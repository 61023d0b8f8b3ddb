"""One step of each method in balls, with the field evaluations on which its growth rests."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import singledispatch
from typing import Any, NamedTuple

from torch import Tensor, nn

from natrob_theory.checks.implicit_root import enclosed_root
from natrob_theory.layers.answers import ball_field
from natrob_theory.layers.refusal import BallRefusedError
from natrob_theory.layers.statements import BallField
from natrob_theory.numbers.balls import Ball, BallMatrix, ball, rows_of, stacked
from natrob_theory.steppers import (
    AbstractStepper,
    BackwardEulerStepper,
    CoupledField,
    EulerStepper,
    FractalNetStepper,
    PolyNetStepper,
    RevNetStepper,
    RungeKuttaStepper,
)


class BallEvaluation(NamedTuple):
    """A point at which a step evaluated a field, and the value there, both (d, samples)."""

    point: BallMatrix
    value: BallMatrix


@dataclass(frozen=True, kw_only=True)
class BallStep:
    """One step of a run, exact.

    Attributes:
        field: the module, or the coupled pair of RevNet.
        maps: its enclosure, or those of the two fields of a pair.
        time, step_size: t_n and h.
        end: the states at the end of the step as the network computed them, (samples, d): where an implicit solve
            starts. Nothing is assumed of them.
    """

    field: nn.Module
    maps: tuple[BallField, ...]
    time: Fraction
    step_size: Fraction
    end: Tensor


def enclosed_maps(field: nn.Module) -> tuple[BallField, ...]:
    """The enclosure of a field, or those of a coupled pair. Raises like `ball_field`."""
    parts = (field.first, field.second) if isinstance(field, CoupledField) else (field,)
    return tuple(ball_field(part) for part in parts)


@singledispatch
def ball_step(
    stepper: AbstractStepper[Any], step: BallStep, state: BallMatrix
) -> tuple[BallMatrix, list[BallEvaluation]]:
    """y_{n+1} from y_n, enclosed at the working precision, and the step's evaluations.

    Raises:
        BallRefusedError: the method has no rule here, or an implicit equation cannot be enclosed.
    """
    raise BallRefusedError(f"no step in balls is known for {stepper.name}; use arithmetic='float'")


@ball_step.register
def _(stepper: EulerStepper, step: BallStep, state: BallMatrix) -> tuple[BallMatrix, list[BallEvaluation]]:
    notes = _Notes(step)
    return state + notes.scaled_slope(step.time, state), notes.evaluations


@ball_step.register
def _(stepper: RungeKuttaStepper, step: BallStep, state: BallMatrix) -> tuple[BallMatrix, list[BallEvaluation]]:
    """Stages after the last nonzero weight serve error control only and are left out, as in the network."""
    notes, tableau = _Notes(step), stepper.tableau
    used = max(stage for stage, weight in enumerate(tableau.b, start=1) if weight != 0)
    slopes: list[BallMatrix] = []
    for row, node in list(zip(tableau.a, tableau.c, strict=True))[:used]:
        slopes.append(notes.scaled_slope(step.time + node * step.step_size, _advance(state, row, slopes)))
    return _advance(state, tableau.b, slopes), notes.evaluations


@ball_step.register
def _(stepper: PolyNetStepper, step: BallStep, state: BallMatrix) -> tuple[BallMatrix, list[BallEvaluation]]:
    notes = _Notes(step)
    result = term = state
    for _ in range(stepper.order):
        term = notes.scaled_slope(step.time, term)
        result = result + term
    return result, notes.evaluations


@ball_step.register
def _(stepper: FractalNetStepper, step: BallStep, state: BallMatrix) -> tuple[BallMatrix, list[BallEvaluation]]:
    notes, half = _Notes(step), ball(0.5)

    def expand(columns: int, point: BallMatrix) -> BallMatrix:
        base = notes.scaled_slope(step.time, point)
        if columns == 1:
            return base
        return half * expand(columns - 1, expand(columns - 1, point)) + half * base

    return expand(stepper.columns, state), notes.evaluations


@ball_step.register
def _(stepper: RevNetStepper, step: BallStep, state: BallMatrix) -> tuple[BallMatrix, list[BallEvaluation]]:
    notes, half = _Notes(step), state.nrows() // 2
    first, second = rows_of(state, 0, half), rows_of(state, half, 2 * half)
    first = first + notes.scaled_slope(step.time, second)
    second = second + notes.scaled_slope(step.time, first, coupling=1)
    return stacked(first, second), notes.evaluations


@ball_step.register
def _(stepper: BackwardEulerStepper, step: BallStep, state: BallMatrix) -> tuple[BallMatrix, list[BallEvaluation]]:
    notes = _Notes(step)
    root = enclosed_root(step.field, step.maps[0], step.time + step.step_size, step.step_size, state, step.end)
    notes.scaled_slope(step.time + step.step_size, root)
    return root, notes.evaluations


class _Notes:
    """Evaluates the fields of a step and keeps the evaluations."""

    def __init__(self, step: BallStep) -> None:
        self.step_size: Ball = ball(step.step_size)
        self.maps = step.maps
        self.evaluations: list[BallEvaluation] = []

    def scaled_slope(self, time: Fraction, point: BallMatrix, *, coupling: int = 0) -> BallMatrix:
        """h f(t, Y)."""
        value = self.maps[coupling](ball(time), point)
        self.evaluations.append(BallEvaluation(point, value))
        return value * self.step_size


def _advance(state: BallMatrix, weights: Sequence[Fraction], slopes: list[BallMatrix]) -> BallMatrix:
    """state + Σ weightᵢ·(h kᵢ) over the nonzero weights of the slopes known so far."""
    for weight, slope in zip(weights, slopes, strict=False):
        if weight != 0:
            state = state + slope * ball(weight)
    return state
