"""Steps in tensors: what a network computes."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias, final

from torch import Tensor, add, addcmul

from natrob_theory.fields import evaluate_field
from natrob_theory.numbers.tensor_types import Field
from natrob_theory.steppers.arithmetic import AbstractArithmetic, Term
from natrob_theory.steppers.coefficient import Coefficient


class Evaluation(NamedTuple):
    """A point at which a step evaluated a field, and the value there; both of shape (batch, *state)."""

    point: Tensor
    value: Tensor


class Slope:
    """h·f, not multiplied out before it is needed: with a weight it is added in one pass over memory."""

    __slots__ = ("_product", "step_size", "value")

    def __init__(self, value: Tensor, step_size: float | Tensor) -> None:
        self.value = value
        self.step_size = step_size
        self._product: Tensor | None = None

    def product(self) -> Tensor:
        """h·f itself, computed once."""
        if self._product is None:
            self._product = self.step_size * self.value
        return self._product


TensorValue: TypeAlias = Tensor | Slope


@final
class TensorArithmetic(AbstractArithmetic[TensorValue]):
    """States of shape (batch, *state).

    Args:
        fields: of the step, one or, for two halves, two.
        time, step_size: floats, or tensors (batch,) with one for each sample.
        state: y_n, whose dtype and axes per-sample step sizes take.
        notes: takes every evaluation; None where they are not wanted.
    """

    __slots__ = ("_factor", "_fields", "_notes", "_step_size", "_time")

    def __init__(
        self,
        fields: Sequence[Field],
        time: float | Tensor,
        state: Tensor,
        step_size: float | Tensor,
        notes: list[Evaluation] | None = None,
    ) -> None:
        self._fields, self._time, self._step_size, self._notes = fields, time, step_size, notes
        self._factor = step_size
        if isinstance(step_size, Tensor):
            self._factor = step_size.to(state.dtype).view(-1, *[1] * (state.dim() - 1))

    def slope(self, node: Coefficient, point: TensorValue, *, part: int = 0) -> TensorValue:
        """f at the point, still to be multiplied by h."""
        if isinstance(point, Slope):
            point = point.product()
        value = evaluate_field(self._fields[part], self._time + node.number * self._step_size, point)
        if self._notes is not None:
            self._notes.append(Evaluation(point, value))
        return Slope(value, self._factor)

    def mix(self, base: TensorValue | None, *terms: Term[TensorValue]) -> TensorValue:
        """One term after the other: to a base in the fewest passes over memory, else multiplied out."""
        total, factor = base.product() if isinstance(base, Slope) else base, self._factor
        per_sample = isinstance(factor, Tensor)
        for term in terms:
            if not isinstance(term, tuple):
                share = term.product() if isinstance(term, Slope) else term
                total = share if total is None else total + share
                continue
            (weight, _), value = term
            if total is None:
                total = weight * multiplied_out(value)
            elif base is None or not isinstance(value, Slope):
                total = add(total, multiplied_out(value), alpha=weight)
            elif per_sample:
                total = addcmul(total, factor, value.value, value=weight)
            else:
                total = add(total, value.value, alpha=weight * factor)
        assert total is not None
        return total


def multiplied_out(value: TensorValue) -> Tensor:
    """The value as a tensor."""
    return value.product() if isinstance(value, Slope) else value
