"""Steps written down as operations, for the compiled loop."""

from dataclasses import dataclass
from typing import Any, TypeAlias, final

from natrob_theory.steppers.arithmetic import AbstractArithmetic, Term
from natrob_theory.steppers.coefficient import Coefficient
from natrob_theory.steppers.explicit_stepper import AbstractExplicitStepper

StepOperation: TypeAlias = tuple[bool, int, float, int, list[tuple[bool, float, int]]]
"""A slope (True, part, node, point, []) or a mix (False, −1, 0, base or −1, terms), as fixed_steps.h has them."""


@final
@dataclass(frozen=True, slots=True)
class Place:
    """The number of a value: first those that the step begins with, then one an operation."""

    number: int


@final
class RecordingArithmetic(AbstractArithmetic[Any]):
    """Notes what a step does instead of doing it.

    Args:
        parts: how many states the step begins with, 1 or 2.
    """

    def __init__(self, parts: int) -> None:
        self.operations: list[StepOperation] = []
        self._parts = parts

    def slope(self, node: Coefficient, point: Place, *, part: int = 0) -> Place:
        """h·f at the point."""
        return self._noted((True, part, node.number, point.number, []))

    def mix(self, base: Place | None, *terms: Term[Place]) -> Place:
        """The sum."""
        entries = [
            (False, 1.0, term.number) if isinstance(term, Place) else (True, term[0].number, term[1].number)
            for term in terms
        ]
        return self._noted((False, -1, 0.0, -1 if base is None else base.number, entries))

    def _noted(self, operation: StepOperation) -> Place:
        self.operations.append(operation)
        return Place(self._parts + len(self.operations) - 1)


def recorded_step(stepper: AbstractExplicitStepper[Any]) -> tuple[list[StepOperation], list[int]]:
    """The operations of one step, and the values that are its result."""
    arithmetic = RecordingArithmetic(stepper.couplings)
    ends = stepper.advance_parts(arithmetic, [Place(number) for number in range(stepper.couplings)])
    return arithmetic.operations, [end.number for end in ends]
