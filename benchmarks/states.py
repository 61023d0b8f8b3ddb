"""The three problems on which solvers are compared: a small, a middle and a large state, batch 64, float32."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

BATCH = 64
SEED = 0


class TimelessField(nn.Module):
    """f(t, y) = F(y), with nothing around F that a contestant would pay for; TorchScript can compile it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        """dy/dt."""
        return self.network(state)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One initial value problem.

    Attributes:
        name: what the table calls it.
        field: f(t, y).
        y0: (64, *state), float32.
        repeats: how many timed turns are affordable.
        is_small, is_largest: which targets apply.
    """

    name: str
    field: TimelessField
    y0: Tensor
    repeats: int
    is_small: bool = False
    is_largest: bool = False

    def turns(self, *, quick: bool) -> int:
        """The timed turns of each contestant."""
        return 3 if quick else self.repeats


def problems() -> list[Problem]:
    """The three problems, with torch's default initial weights from one seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return [
            Problem(
                name="two-layer MLP 16→64→16",
                field=TimelessField(nn.Sequential(nn.Linear(16, 64), nn.Tanh(), nn.Linear(64, 16))),
                y0=torch.randn(BATCH, 16),
                repeats=60,
                is_small=True,
            ),
            Problem(
                name="two 3×3 convolutions, 16×8×8",
                field=_convolutional(16),
                y0=torch.randn(BATCH, 16, 8, 8),
                repeats=25,
            ),
            Problem(
                name="two 3×3 convolutions, 64×16×16",
                field=_convolutional(64),
                y0=torch.randn(BATCH, 64, 16, 16),
                repeats=7,
                is_largest=True,
            ),
        ]


def _convolutional(channels: int) -> TimelessField:
    first, second = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
    return TimelessField(nn.Sequential(first, nn.Tanh(), second))
