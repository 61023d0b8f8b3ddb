"""The states a network passes through, with their times."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """y_0, …, y_N at t_0 < … < t_N.

    Attributes:
        times: (steps + 1,), float64, in the units of the field's t; (steps + 1, batch) where every sample has a
            grid of its own.
        states: (steps + 1, batch, *state).
    """

    times: Float[Tensor, "points *grid"]
    states: Float[Tensor, "points batch *state"]
