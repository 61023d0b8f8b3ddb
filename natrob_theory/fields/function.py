"""A plain function seen as a field."""

from typing import final

from torch import Tensor

from natrob_theory.layers.answers import AbstractField
from natrob_theory.layers.refusal import BallRefusedError
from natrob_theory.layers.statements import BallField
from natrob_theory.numbers.tensor_types import Field


@final
class FunctionField(AbstractField):
    """A field given as a plain function, so that it can stand in an nn.ModuleList beside modules."""

    def __init__(self, function: Field) -> None:
        super().__init__()
        self.function = function

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        """f(t, y)."""
        return self.function(time, state)

    def in_balls(self) -> BallField:
        """Refused: a function says nothing of itself."""
        name = getattr(self.function, "__name__", type(self.function).__name__)
        raise BallRefusedError(
            f"no enclosure in balls is known for the plain function {name}; write it as a module of layers, or as an "
            f"nn.Module with a rule of its own: natrob_theory.ball_field.register"
        )
