"""A plain function seen as a field."""

from typing import final

from torch import Tensor, nn

from natrob_theory.numbers.tensor_types import Field


@final
class FunctionField(nn.Module):
    """A field given as a plain function, so that it can stand in an nn.ModuleList beside modules."""

    def __init__(self, function: Field) -> None:
        super().__init__()
        self.function = function

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        """f(t, y)."""
        return self.function(time, state)
