"""How far a perturbation reaches at the points of a step, as its stages hand it on."""

import abc
from typing import final

from torch import Tensor

from natrob_theory.numbers.rounding import round_up
from natrob_theory.steppers import AbstractArithmetic, Coefficient
from natrob_theory.steppers.arithmetic import Term, weighted

ROUNDING_SAFETY = 16.0
"""c of theory, section 7, per field evaluation of a step."""


class AbstractReaches(AbstractArithmetic[Tensor]):
    """How far a perturbation reaches at the points of a step: its `advance` with absolute weights.

    By induction over the stages the result is an upper bound: stage i of a perturbed solution lies in the ball in
    which the constant of that stage was taken.

    Attributes:
        base: what is known of y_n, a stack of nonnegative bounds.
        rounding: what is added to it by the rounding of one sum of the step.

    Proof: proofs/symbolic/trajectory_tube.py.
    """

    base: Tensor
    rounding: Tensor

    @abc.abstractmethod
    def visit(self, reach: Tensor) -> Tensor:
        """Takes a reach to that of h·f at the next point."""

    @final
    def slope(self, node: Coefficient, point: Tensor, *, part: int = 0) -> Tensor:
        """The evaluations come in their order, whatever their times."""
        return self.visit(point)

    @final
    def mix(self, base: Tensor | None, *terms: Term[Tensor]) -> Tensor:
        """The sum with absolute weights; one that does not start at a point of its own rounds once more."""
        if not terms:
            assert base is not None
            return base
        shares = [value if weight is None else abs(weight.number) * value for weight, value in weighted(terms)]
        shares = [*shares, self.rounding] if base is None else [base, *shares]
        total = shares[0]
        for share in shares[1:]:
            total = total + share
        # every sum rounds once; every product once, and its weight may be a rounded fraction
        return round_up(total, len(shares) + 1)
