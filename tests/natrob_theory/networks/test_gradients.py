"""Gradients of all eight networks, with respect to the state and to every parameter, against differences."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from natrob_theory import (
    DOPRI5,
    AbstractIntegratorNet,
    Anderson,
    BackwardEulerNet,
    EulerNet,
    FractalNet,
    HeunNet,
    NeuralODE,
    PolyNet,
    RevNet,
    RungeKuttaNet,
    broadcast_time,
)


class TimedField(nn.Module):
    """W₂ tanh(W₁y + t b): smooth, time-dependent, with fixed weights."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.first = nn.Parameter(torch.randn(3, 2, generator=generator, dtype=torch.float64))
        self.shift = nn.Parameter(torch.randn(3, generator=generator, dtype=torch.float64))
        self.second = nn.Parameter(0.5 * torch.randn(2, 3, generator=generator, dtype=torch.float64))

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        return torch.tanh(state @ self.first.T + broadcast_time(time, state) * self.shift) @ self.second.T


NETWORKS: dict[str, Callable[[], AbstractIntegratorNet]] = {
    "EulerNet": lambda: EulerNet(TimedField(0), 0.2, 2),
    "HeunNet": lambda: HeunNet([TimedField(0), TimedField(1)], 0.2),
    "RungeKuttaNet": lambda: RungeKuttaNet(TimedField(0), 0.2, 2, tableau=DOPRI5),
    "BackwardEulerNet": lambda: BackwardEulerNet(TimedField(0), 0.2, 2, solver=Anderson()),
    "PolyNet": lambda: PolyNet(TimedField(0), 0.2, 2),
    "FractalNet": lambda: FractalNet(TimedField(0), 0.2, 2, columns=3),
    "RevNet": lambda: RevNet((TimedField(0), TimedField(1)), 0.2, 2),
    # Tolerances so loose that differences of 1e-6 never move the accepted grid.
    "NeuralODE": lambda: NeuralODE(TimedField(0), 0.5, rtol=1.0, atol=1.0),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_against_differences(name: str) -> None:
    net = NETWORKS[name]()
    names = [key for key, _ in net.named_parameters()]
    parameters = [parameter.detach().clone().requires_grad_() for parameter in net.parameters()]
    width = 4 if name == "RevNet" else 2
    y0 = torch.randn(2, width, generator=torch.Generator().manual_seed(3), dtype=torch.float64).requires_grad_()

    def run(state: Tensor, *values: Tensor) -> Tensor:
        return functional_call(net, dict(zip(names, values, strict=True)), (state,))

    assert torch.autograd.gradcheck(run, (y0, *parameters), eps=1e-6, atol=1e-7, rtol=1e-6)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "BackwardEulerNet"])
def test_second_derivatives_of_explicit_networks(name: str) -> None:
    net = NETWORKS[name]()
    y0 = torch.full((1, 4 if name == "RevNet" else 2), 0.3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(net, (y0,), eps=1e-6, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_values_are_the_same_without_gradients(name: str) -> None:
    net = NETWORKS[name]()
    y0 = torch.full((2, 4 if name == "RevNet" else 2), 0.3, dtype=torch.float64)
    with torch.no_grad():
        without = net(y0)
    assert torch.equal(without, net(y0.requires_grad_()).detach())
