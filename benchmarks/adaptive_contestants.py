"""The adaptive solvers that take part: natrob, torchdiffeq's dopri5, torchode's as written and compiled, diffrax's."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
import torchdiffeq
import torchode as typed_torchode
from torch import Tensor, nn

from benchmarks.jax_contestants import DiffraxSolve
from benchmarks.measurement import versioned
from natrob_theory import NeuralODE

torchode: Any = typed_torchode  # its annotations want tensors tagged with its own axis names

Solve: TypeAlias = Callable[[], Tensor]

END_TIME = 5.0
TOLERANCE = 1e-4


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A solver: what the table calls it, and how to prepare it, outside the clock, for a field and y_0.

    `prepare(field, y0)` returns a function that solves once and returns y(T), (batch, *state). `prepare_training` is
    the same for the gradients of Σ y(T)² in y_0 and the field's parameters; None takes torch's through `prepare`.
    `is_countable` says whether it may be given a field that takes notes.
    """

    label: str
    prepare: Callable[[nn.Module, Tensor], Solve]
    prepare_training: Callable[[nn.Module, Tensor], Callable[[], object]] | None = None
    is_countable: bool = True

    def training(self, field: nn.Module, y0: Tensor) -> Callable[[], object]:
        """A function that solves once and takes the gradients."""
        if self.prepare_training is not None:
            return self.prepare_training(field, y0)
        start = y0.clone().requires_grad_()
        wanted, solve = [start, *field.parameters()], self.prepare(field, start)
        return lambda: torch.autograd.grad(solve().square().sum(), wanted)


class FlatField(nn.Module):
    """The field on flattened states, which is what torchode integrates."""

    def __init__(self, field: nn.Module, shape: torch.Size) -> None:
        super().__init__()
        self.field = field
        self.shape: list[int] = [-1, *shape]

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        """dy/dt, (batch, features)."""
        return self.field(time, state.view(self.shape)).flatten(1)


def contestants(*, tolerance: float = TOLERANCE, end_time: float = END_TIME) -> dict[str, Contestant]:
    """All of them by short name; natrob comes first."""
    times = torch.tensor([0.0, end_time])
    odeint: Any = torchdiffeq.odeint  # typed as if it might return a tuple

    def natrob(field: nn.Module, y0: Tensor) -> Solve:
        net = natrob_net(field, tolerance=tolerance, end_time=end_time)
        with torch.no_grad():
            net(y0[:1])  # the first call tries the field on per-sample times, once for all calls
        return lambda: net(y0)

    def torchdiffeq_solve(field: nn.Module, y0: Tensor) -> Solve:
        return lambda: odeint(field, y0, times.to(y0), rtol=tolerance, atol=tolerance, method="dopri5")[-1]

    def torchode_solve(field: nn.Module, y0: Tensor) -> Solve:
        solver = _torchode_solver(field, y0, tolerance)
        return lambda: solver.solve(_torchode_problem(y0, end_time)).ys[:, -1].view(y0.shape)

    def torchode_compiled(field: nn.Module, y0: Tensor) -> Solve:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # torch would rather see torch.compile, which is slower here
            solver = torch.jit.script(_torchode_solver(field, y0, tolerance))
        return lambda: solver.solve(_torchode_problem(y0, end_time)).ys[:, -1].view(y0.shape)

    def diffrax(field: nn.Module, y0: Tensor) -> DiffraxSolve:
        assert isinstance(field.network, nn.Module)
        return DiffraxSolve(field.network, y0, tolerance=tolerance, end_time=end_time)

    return {
        "natrob": Contestant(label=f"NeuralODE, rtol = atol = {tolerance:g}, T = {end_time:g}", prepare=natrob),
        "torchdiffeq": Contestant(label=f"{versioned('torchdiffeq')} dopri5", prepare=torchdiffeq_solve),
        "torchode": Contestant(label=f"{versioned('torchode')} Dopri5", prepare=torchode_solve),
        "torchode compiled": Contestant(
            label=f"{versioned('torchode')} Dopri5, torch.jit.script", prepare=torchode_compiled, is_countable=False
        ),
        "diffrax": Contestant(
            label=f"{versioned('diffrax')} Dopri5, jit of vmap, {versioned('jax')}, one thread",
            prepare=lambda field, y0: diffrax(field, y0).forward,
            prepare_training=lambda field, y0: diffrax(field, y0).gradients,
            is_countable=False,
        ),
    }


def natrob_net(field: nn.Module, *, tolerance: float = TOLERANCE, end_time: float = END_TIME) -> NeuralODE:
    """The network that takes part."""
    return NeuralODE(field, end_time, rtol=tolerance, atol=tolerance)


def _torchode_solver(field: nn.Module, y0: Tensor, tolerance: float) -> Any:
    term = torchode.ODETerm(field if y0.dim() == 2 else FlatField(field, y0.shape[1:]))
    controller = torchode.IntegralController(atol=tolerance, rtol=tolerance, term=term)
    return torchode.AutoDiffAdjoint(torchode.Dopri5(term=term), controller)


def _torchode_problem(y0: Tensor, end_time: float) -> Any:
    start = torch.zeros(len(y0), dtype=y0.dtype)
    return torchode.InitialValueProblem(y0=y0.flatten(1), t_start=start, t_end=torch.full_like(start, end_time))
