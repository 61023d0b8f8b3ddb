"""Steps in balls: what a step computes, enclosed."""

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, final

from torch import Tensor, nn

from natrob_theory.layers.statements import BallField
from natrob_theory.numbers.balls import BallMatrix, ball
from natrob_theory.steppers.arithmetic import AbstractArithmetic, Term, weighted
from natrob_theory.steppers.coefficient import Coefficient


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


@final
class BallArithmetic(AbstractArithmetic[BallMatrix]):
    """Matrices of balls, one sample a column; keeps every evaluation."""

    def __init__(self, step: BallStep) -> None:
        self._step = step
        self._step_size = ball(step.step_size)
        self.evaluations: list[BallEvaluation] = []

    def slope(self, node: Coefficient, point: BallMatrix, *, part: int = 0) -> BallMatrix:
        """h·f, with the time as an exact fraction."""
        value = self._step.maps[part](ball(self._step.time + node.exact * self._step.step_size), point)
        self.evaluations.append(BallEvaluation(point, value))
        return value * self._step_size

    def mix(self, base: BallMatrix | None, *terms: Term[BallMatrix]) -> BallMatrix:
        """The sum with exact weights."""
        total = base
        for weight, value in weighted(terms):
            share = value if weight is None else value * ball(weight.exact)
            total = share if total is None else total + share
        assert total is not None
        return total
