"""The accepted steps of a solve, kept for the way back: every sample's own times and states."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor


class AcceptedSteps(NamedTuple):
    """Times and states of every sample's grid.

    Attributes:
        times: t_0, t_1, …, (points, batch), float64; a sample that has ended repeats its last entry.
        counts: accepted steps of each sample.
        states: of all samples and points in a row, sample after sample, (batch + Σ counts, *state).
        places: where each sample's y_0 is in `states`.
        largest: max |y| of every sample and entry over its points, (batch, *state).
    """

    times: Float[Tensor, "points batch"]
    counts: Int[Tensor, " batch"]
    states: Tensor
    places: Int[Tensor, " batch"]
    largest: Tensor

    @classmethod
    def of(cls, times: Tensor, counts: Tensor, states: Tensor) -> "AcceptedSteps":
        """From states (points, batch, *state) whose last entries repeat."""
        real = torch.arange(len(times), device=times.device)[:, None] <= counts
        lengths = counts + 1
        return cls(
            times=times,
            counts=counts,
            states=states.transpose(0, 1)[real.t()],
            places=torch.cumsum(lengths, 0) - lengths,
            largest=states.abs().amax(dim=0),
        )

    def time(self, rows: Tensor, points: Tensor) -> Tensor:
        """t of these samples at these points of theirs."""
        return self.times[points, rows]

    def state(self, rows: Tensor, points: Tensor) -> Tensor:
        """y of these samples at these points of theirs."""
        return self.states[self.places[rows] + points]
