"""The process in which one build of natrob runs the workloads that `benchmarks.builds` compares.

It takes one line a turn, the workload's name, and answers with the processor seconds of a run: the mean of as many as
fill `TURN`, after one that is not counted, for the other build's turn has emptied the caches. It is started as a
file, with the build to be measured on the path, and so imports nothing of `benchmarks`: the other build has that, too.
"""

import sys
import time
from collections.abc import Callable
from typing import Final, Literal

import torch
from torch import Tensor, nn

from natrob_theory import (
    AbstractIntegratorNet,
    EulerNet,
    HeunNet,
    NeuralODE,
    RungeKuttaNet,
    lipschitz_upper_bound,
    measure_divergence,
)

Run = Callable[[], object]
TURN: Final = 0.03
"""Seconds that a turn takes at least."""
BATCH: Final = 64
END_TIME: Final = 5.0


class TimelessField(nn.Module):
    """f(t, y) = F(y), as a user would write it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        """dy/dt."""
        return self.network(state)


def _mlp() -> tuple[nn.Module, Tensor]:
    torch.manual_seed(0)
    return TimelessField(nn.Sequential(nn.Linear(16, 64), nn.Tanh(), nn.Linear(64, 16))), torch.randn(BATCH, 16)


def _convolutional(channels: int, side: int) -> tuple[nn.Module, Tensor]:
    torch.manual_seed(0)
    first, second = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
    field = TimelessField(nn.Sequential(first, nn.Tanh(), second))
    return field, torch.randn(BATCH, channels, side, side)


def _solve(
    problem: tuple[nn.Module, Tensor],
    *,
    tolerance: float = 1e-4,
    backward: bool = False,
    gradients: Literal["direct", "checkpointed", "adjoint"] = "direct",
    batch: int = BATCH,
    end_time: float = END_TIME,
) -> Run:
    field, y0 = problem
    net = NeuralODE(field, end_time, rtol=tolerance, atol=tolerance, gradients=gradients)
    return _both(net, y0[:batch]) if backward else _forward(net, y0[:batch])


def _forward(net: AbstractIntegratorNet, y0: Tensor) -> Run:
    return torch.no_grad()(lambda: net(y0))


def _both(net: AbstractIntegratorNet, y0: Tensor) -> Run:
    y0 = y0.clone().requires_grad_()
    wanted = [y0, *net.parameters()]
    return lambda: torch.autograd.grad(net(y0).square().sum(), wanted)


def _bare(problem: tuple[nn.Module, Tensor], *, tolerance: float = 1e-4) -> Run:
    """The bare field on the batches of the solve's calls."""
    field, y0 = problem
    sizes: list[int] = []
    handle = field.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[1])))
    run = _solve(problem, tolerance=tolerance)
    run()
    sizes.clear()
    run()
    handle.remove()
    time_zero, states = torch.zeros(()), [y0[:size] for size in sizes]

    @torch.no_grad()
    def evaluate() -> None:
        for state in states:
            field(time_zero, state)

    return evaluate


def _fixed(method: str) -> Run:
    field, y0 = _mlp()
    kinds: dict[str, Callable[..., AbstractIntegratorNet]] = {"Euler": EulerNet, "Heun": HeunNet, "RK4": RungeKuttaNet}
    return _forward(kinds[method](field, 0.01, 100), y0)


def _divergence(kind: Literal["measured", "two passes"]) -> Run:
    field, y0 = _convolutional(16, 8)
    net, epsilon = EulerNet(field, 0.25, 20), 0.01 * torch.randn_like(y0)
    if kind == "measured":
        return torch.no_grad()(lambda: measure_divergence(net, y0, epsilon))
    return torch.no_grad()(lambda: (net(y0), net(y0 + epsilon)))


def _norm() -> Run:
    torch.manual_seed(0)
    layer = nn.Conv2d(64, 64, 3, padding=1, bias=False)

    def bound() -> object:
        layer.weight = nn.Parameter(layer.weight.detach().clone())  # no build may remember its answer
        return lipschitz_upper_bound(layer, input_shape=(64, 32, 32))

    return bound


WORKLOADS: Final[dict[str, Callable[[], Run]]] = {
    "MLP 16, 1e-4, forward": lambda: _solve(_mlp()),
    "MLP 16, 1e-4, forward + backward": lambda: _solve(_mlp(), backward=True),
    "MLP 16, 1e-4, adjoint": lambda: _solve(_mlp(), backward=True, gradients="adjoint"),
    "MLP 16, 1e-4, checkpointed": lambda: _solve(_mlp(), backward=True, gradients="checkpointed"),
    "MLP 16, 1e-4, bare evaluations": lambda: _bare(_mlp()),
    "MLP 16, 1e-6, forward": lambda: _solve(_mlp(), tolerance=1e-6),
    "MLP 16, 1e-6, forward + backward": lambda: _solve(_mlp(), tolerance=1e-6, backward=True),
    "MLP 16, 1e-4, a batch of one": lambda: _solve(_mlp(), batch=1),
    "conv 16×8×8, forward": lambda: _solve(_convolutional(16, 8)),
    "conv 16×8×8, forward + backward": lambda: _solve(_convolutional(16, 8), backward=True),
    "conv 16×8×8, adjoint": lambda: _solve(_convolutional(16, 8), backward=True, gradients="adjoint"),
    "conv 16×8×8, checkpointed": lambda: _solve(_convolutional(16, 8), backward=True, gradients="checkpointed"),
    "conv 16×8×8, bare evaluations": lambda: _bare(_convolutional(16, 8)),
    "conv 64×16×16, forward": lambda: _solve(_convolutional(64, 16)),
    "conv 64×16×16, bare evaluations": lambda: _bare(_convolutional(64, 16)),
    "100 steps, Euler": lambda: _fixed("Euler"),
    "100 steps, Heun": lambda: _fixed("Heun"),
    "100 steps, RK4": lambda: _fixed("RK4"),
    "conv 16×8×8, 20 Euler steps, divergence": lambda: _divergence("measured"),
    "conv 16×8×8, 20 Euler steps, two passes": lambda: _divergence("two passes"),
    "convolution norm 64→64 at 32×32": _norm,
}
"""What is timed; each is built, and run twice for warmth, when it is first asked for."""


def main() -> None:
    """Answer every line with the seconds of a run."""
    torch.set_num_threads(1)
    runs: dict[str, Run] = {}
    for line in sys.stdin:
        name = line.rstrip("\n")
        if name not in runs:
            runs[name] = WORKLOADS[name]()
        print(_seconds(runs[name]), flush=True)


def _seconds(run: Run) -> float:
    """The mean of a turn's runs."""
    before = time.process_time()
    run()
    is_long = time.process_time() - before > TURN
    count, start = 0, time.process_time()
    while count == 0 or not (is_long or time.process_time() - start > TURN):
        run()
        count += 1
    return (time.process_time() - start) / count


if __name__ == "__main__":
    main()
