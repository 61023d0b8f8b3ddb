"""A module y -> F(y) seen as a field that does not depend on time."""

from typing import final

from torch import Tensor, nn


@final
class AutonomousField(nn.Module):
    """f(t, y) = F(y) for a module F that keeps the shape of y.

    `lipschitz_upper_bound` of the field is that of the module, for every t.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        """dy/dt, of the state's shape (batch, *state)."""
        return self.module(state)
