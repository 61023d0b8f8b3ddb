"""A field on which one step of a given method misses the flow by as much as any Lipschitz field allows."""

from fractions import Fraction
from itertools import pairwise
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.numbers.argument_checks import require_positive
from natrob_theory.tableaus import ButcherTableau


@final
class ZigzagField(nn.Module):
    """f(y) = (1, w(y₁)) with w′ = −K sign(B(s) − s), s = y₁/h in each period h: the witness that κ_b is sharp.

    y₁ is the time, so every stage meets the flow in y₁, and a step from a multiple of h misses it in y₂ by exactly
    Kh²κ_b. The speed is √(1 + w²), 1 up to O(hK), so no constant below κ_b bounds the local error of all fields as
    hK → 0. The field has the Lipschitz constant K; it does not depend on t.

    Args:
        tableau: whose weights B counts, with nodes in [0, 1].
        step_size: h > 0.
        lipschitz: K > 0.

    Source: theory, section 8.
    """

    starts: Tensor
    lengths: Tensor
    slopes: Tensor

    def __init__(self, tableau: ButcherTableau, step_size: float, lipschitz: float) -> None:
        super().__init__()
        if not all(0 <= node <= 1 for node in tableau.c):
            raise ValueError(f"`tableau` must have nodes in [0, 1], got {tableau.c}")
        self.step_size = require_positive("step_size", step_size)
        self.lipschitz = require_positive("lipschitz", lipschitz)
        breaks, signs = _signs(tableau)
        starts = torch.tensor([float(start) for start in breaks[:-1]], dtype=torch.float64)
        ends = torch.tensor([float(end) for end in breaks[1:]], dtype=torch.float64)
        self.register_buffer("starts", starts * self.step_size)
        self.register_buffer("lengths", (ends - starts) * self.step_size)
        self.register_buffer("slopes", torch.tensor(signs, dtype=torch.float64) * self.lipschitz)

    def forward(self, time: Tensor, state: Float[Tensor, "batch 2"]) -> Float[Tensor, "batch 2"]:
        """(1, w(y₁))."""
        return torch.stack([torch.ones_like(state[:, 0]), self.wave(state[:, 0])], dim=1)

    def wave(self, position: Float[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """w."""
        periods, inside = self._within_period(position)
        return periods * (self.slopes * self.lengths).sum() + (self.slopes * inside).sum(dim=1)

    def flow(self, state: Float[Tensor, "batch 2"], duration: float) -> Float[Tensor, "batch 2"]:
        """The exact flow: y₁ + t, and y₂ with the integral of w."""
        later = state[:, 0] + duration
        return torch.stack([later, state[:, 1] + self._integral(later) - self._integral(state[:, 0])], dim=1)

    def _integral(self, position: Tensor) -> Tensor:
        """∫₀ w, piece by piece."""
        periods, inside = self._within_period(position)
        offset = position - periods * self.step_size
        drift = (self.slopes * self.lengths).sum()
        whole = (self.slopes * self.lengths * (self.step_size - self.starts - 0.5 * self.lengths)).sum()
        part = (self.slopes * inside * (offset[:, None] - self.starts - 0.5 * inside)).sum(dim=1)
        earlier = 0.5 * periods * (periods - 1.0) * drift * self.step_size
        return periods * whole + earlier + periods * drift * offset + part

    def _within_period(self, position: Tensor) -> tuple[Tensor, Tensor]:
        """The number of whole periods before a position, and how much of each piece lies before it in its own."""
        periods = torch.floor(position / self.step_size)
        offset = position - periods * self.step_size
        inside = torch.minimum((offset[:, None] - self.starts).clamp_min(0.0), self.lengths)
        return periods, inside


def _signs(tableau: ButcherTableau) -> tuple[list[Fraction], list[float]]:
    """Where sign(s − B(s)) changes on [0, 1], and its values between."""
    nodes = sorted({Fraction(0), Fraction(1), *tableau.c})
    breaks, signs = [Fraction(0)], []
    for start, end in pairwise(nodes):
        height = sum((b for b, node in zip(tableau.b, tableau.c, strict=True) if node <= start), Fraction(0))
        for last in ([height] if start < height < end else []) + [end]:
            signs.append(1.0 if (breaks[-1] + last) / 2 > height else -1.0)
            breaks.append(last)
    return breaks, signs
