"""The adaptive solvers that take part: natrob, torchdiffeq's dopri5, and torchode's as written and compiled."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
import torchdiffeq
import torchode as typed_torchode
from torch import Tensor, nn

from benchmarks.measurement import versioned
from natrob_theory import NeuralODE

torchode: Any = typed_torchode  # its annotations want tensors tagged with its own axis names

Solve: TypeAlias = Callable[[], Tensor]

END_TIME = 5.0
TOLERANCE = 1e-4


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A solver: what the table calls it, and how to prepare it, outside the clock, for a field and y_0.

    `prepare(field, y0)` returns a function that solves once and returns y(T), (batch, *state). `is_countable` says
    whether it may be given a field that takes notes.
    """

    label: str
    prepare: Callable[[nn.Module, Tensor], Solve]
    is_countable: bool = True


class FlatField(nn.Module):
    """The field on flattened states, which is what torchode integrates."""

    def __init__(self, field: nn.Module, shape: torch.Size) -> None:
        super().__init__()
        self.field = field
        self.shape: list[int] = [-1, *shape]

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        """dy/dt, (batch, features)."""
        return self.field(time, state.view(self.shape)).flatten(1)


def contestants() -> dict[str, Contestant]:
    """All of them by short name; natrob comes first."""
    return {
        "natrob": Contestant(label=f"NeuralODE, rtol = atol = {TOLERANCE:g}, T = {END_TIME:g}", prepare=_natrob),
        "torchdiffeq": Contestant(label=f"{versioned('torchdiffeq')} dopri5", prepare=_torchdiffeq),
        "torchode": Contestant(label=f"{versioned('torchode')} Dopri5", prepare=_torchode),
        "torchode compiled": Contestant(
            label=f"{versioned('torchode')} Dopri5, torch.jit.script", prepare=_torchode_compiled, is_countable=False
        ),
    }


def natrob_net(field: nn.Module) -> NeuralODE:
    """The network that takes part."""
    return NeuralODE(field, END_TIME, rtol=TOLERANCE, atol=TOLERANCE)


def _natrob(field: nn.Module, y0: Tensor) -> Solve:
    net = natrob_net(field)
    with torch.no_grad():
        net(y0[:1])  # the first call tries the field on per-sample times, once for all calls
    return lambda: net(y0)


def _torchdiffeq(field: nn.Module, y0: Tensor) -> Solve:
    times = torch.tensor([0.0, END_TIME])
    odeint: Any = torchdiffeq.odeint  # typed as if it might return a tuple
    return lambda: odeint(field, y0, times, rtol=TOLERANCE, atol=TOLERANCE, method="dopri5")[-1]


def _torchode(field: nn.Module, y0: Tensor) -> Solve:
    solver = _torchode_solver(field, y0)
    return lambda: solver.solve(_torchode_problem(y0)).ys[:, -1].view(y0.shape)


def _torchode_compiled(field: nn.Module, y0: Tensor) -> Solve:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch would rather see torch.compile, which is slower here
        solver = torch.jit.script(_torchode_solver(field, y0))
    return lambda: solver.solve(_torchode_problem(y0)).ys[:, -1].view(y0.shape)


def _torchode_solver(field: nn.Module, y0: Tensor) -> Any:
    term = torchode.ODETerm(field if y0.dim() == 2 else FlatField(field, y0.shape[1:]))
    controller = torchode.IntegralController(atol=TOLERANCE, rtol=TOLERANCE, term=term)
    return torchode.AutoDiffAdjoint(torchode.Dopri5(term=term), controller)


def _torchode_problem(y0: Tensor) -> Any:
    start = torch.zeros(len(y0))
    return torchode.InitialValueProblem(y0=y0.flatten(1), t_start=start, t_end=torch.full_like(start, END_TIME))
