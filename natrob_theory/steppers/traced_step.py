"""Steps on polynomials in x = hK with exact coefficients: how much a step can grow, and what it is made of."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import zip_longest
from typing import final

from natrob_theory.steppers.arithmetic import AbstractArithmetic, Term, weighted
from natrob_theory.steppers.coefficient import Coefficient


@dataclass(frozen=True, kw_only=True)
class StepTrace:
    """A step as it says itself.

    Attributes:
        growth: the coefficients of G in ascending powers of x = hK.
        nodes: the c of each evaluation at t + ch, in their order.
        state_weight, slope_weight: at least every weight with which y_n, or one h·f, is part of a value of the step,
            and at least 1.
        roundings: at most so many roundings lead to a number of the step in floating point.
    """

    growth: tuple[Fraction, ...]
    nodes: tuple[float, ...]
    state_weight: float
    slope_weight: float
    roundings: int


@final
@dataclass(frozen=True)
class TracedValue:
    """A bound of how far two solutions' values are apart, and what the value is made of.

    Attributes:
        growth: in units of their distance at the start, coefficients in ascending powers of x.
        state: the weight of y_n.
        slopes: the weight of each evaluation's h·f.
    """

    growth: tuple[Fraction, ...]
    state: Fraction
    slopes: dict[int, Fraction]


@final
class TraceArithmetic(AbstractArithmetic[TracedValue]):
    """‖h·f(z) − h·f(y)‖ ≤ x‖z − y‖, and the norm of a sum is at most the sum of the norms.

    Proof: proofs/coq/one_step_methods.v.
    """

    def __init__(self) -> None:
        self.start = TracedValue((Fraction(1),), Fraction(1), {})
        self.nodes: list[float] = []
        self._weights = [(Fraction(1), Fraction(1))]
        self._roundings = 0

    def slope(self, node: Coefficient, point: TracedValue, *, part: int = 0) -> TracedValue:
        """x times the point's growth."""
        self.nodes.append(node.number)
        self._roundings += 1
        return TracedValue((Fraction(0), *point.growth), Fraction(0), {len(self.nodes): Fraction(1)})

    def mix(self, base: TracedValue | None, *terms: Term[TracedValue]) -> TracedValue:
        """The sum with the weights' absolute values."""
        total = TracedValue((Fraction(0),), Fraction(0), {}) if base is None else base
        for weight, value in weighted(terms):
            total = _sum(total, Fraction(1) if weight is None else abs(weight.exact), value)
            self._roundings += 1 if weight is None else 3
        self._weights.append((total.state, max(total.slopes.values(), default=Fraction(0))))
        return total

    def trace(self, end: TracedValue) -> StepTrace:
        """The trace up to the step's end."""
        growth = list(end.growth)
        while len(growth) > 1 and growth[-1] == 0:
            growth.pop()
        return StepTrace(
            growth=tuple(growth),
            nodes=tuple(self.nodes),
            state_weight=float(max(state for state, _ in self._weights)),
            slope_weight=float(max(slope for _, slope in self._weights)),
            roundings=self._roundings,
        )


def _sum(total: TracedValue, weight: Fraction, value: TracedValue) -> TracedValue:
    """total + weight·value."""
    rows = zip_longest(total.growth, value.growth, fillvalue=Fraction(0))
    slopes = dict(total.slopes)
    for number, share in value.slopes.items():
        slopes[number] = slopes.get(number, Fraction(0)) + weight * share
    return TracedValue(tuple(one + weight * other for one, other in rows), total.state + weight * value.state, slopes)
