"""A field whose first evaluation is observed."""

from typing import final

from torch import Tensor

from natrob_theory.fields.evaluation import evaluate_field
from natrob_theory.fields.outer_tensors import OuterTensors
from natrob_theory.numbers.tensor_types import Field


@final
class ObservedField:
    """Wraps a field; its first evaluation tells what else the field uses and what it writes into.

    Args:
        field: f(t, y).
    """

    def __init__(self, field: Field) -> None:
        self.field = field
        self.outer: OuterTensors | None = None

    def __call__(self, time: Tensor, state: Tensor) -> Tensor:
        """f(t, y). Raises like `evaluate_field`."""
        if self.outer is not None:
            return evaluate_field(self.field, time, state)
        self.outer = OuterTensors()
        self.outer.take_as_made((time, state))
        with self.outer:
            return evaluate_field(self.field, time, state)

    @property
    def written(self) -> list[Tensor]:
        """The tensors from outside that an evaluation writes into; none before the first evaluation."""
        return [] if self.outer is None else self.outer.written
