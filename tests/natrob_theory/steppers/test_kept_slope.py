"""Backward Euler's gradients by kept evaluations in C++ beside those by autograd."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_theory import Anderson, BackwardEulerNet, NewtonKrylov
from natrob_theory.fields import AutonomousField
from natrob_theory.implicit_solve import AbstractFixedPointSolver
from natrob_theory.steppers import backward_euler
from natrob_theory.steppers.kept_slope import kept_slope

pytestmark = pytest.mark.usefixtures("compiled")

CONVOLUTIONS: dict[str, dict[str, Any]] = {
    "three": {"kernel_size": 3, "padding": 1},
    "one": {"kernel_size": 1},
    "oblong": {"kernel_size": (3, 5), "padding": (1, 2)},
    "spread": {"kernel_size": 3, "padding": 2, "dilation": 2},
    "in groups": {"kernel_size": 3, "padding": 1, "groups": 2},
}


def _field(kind: str = "three") -> nn.Module:
    settings = CONVOLUTIONS[kind]
    layers = nn.Sequential(nn.Conv2d(4, 4, **settings), nn.ReLU(), nn.Conv2d(4, 4, **settings))
    return AutonomousField(layers).double()


def _state() -> Tensor:
    return torch.randn(3, 4, 6, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_a_pull_is_the_product_with_the_transposed_jacobian(kind: str) -> None:
    field, point = _field(kind), _state().requires_grad_()
    value = field(torch.zeros(()), point)
    cotangent = torch.cos(torch.arange(value.numel(), dtype=torch.float64)).view_as(value)
    (expected,) = torch.autograd.grad(value, point, cotangent)
    kept = kept_slope(field, 0.0, point.detach(), value.detach())
    assert kept is not None
    torch.testing.assert_close(kept.pull(cotangent), expected, rtol=1e-12, atol=1e-13)


def _gradients(net: BackwardEulerNet, y0: Tensor) -> list[Tensor]:
    wanted = [part for part in (y0, *net.parameters()) if part.requires_grad]
    return list(torch.autograd.grad(net(y0).square().sum(), wanted))


@pytest.mark.parametrize("solver", [Anderson(), NewtonKrylov()], ids=["anderson", "newton"])
@pytest.mark.parametrize("wanted", ["state", "parameters", "both"])
def test_gradients_are_those_of_autograd(
    wanted: str, solver: AbstractFixedPointSolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = BackwardEulerNet(_field(), 0.1, 3, solver=solver)
    net.requires_grad_(wanted != "state")
    y0 = _state().requires_grad_(wanted != "parameters")
    own = _gradients(net, y0)
    monkeypatch.setattr(backward_euler, "kept_slope", lambda *_: None)
    for one, other in zip(own, _gradients(net, y0), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)


def test_a_frozen_field_on_a_state_without_a_gradient_records_nothing() -> None:
    net = BackwardEulerNet(_field(), 0.1, 1, solver=Anderson())
    net.requires_grad_(requires_grad=False)
    assert not net(_state()).requires_grad


def test_parameters_written_to_before_backward_are_refused() -> None:
    field = _field()
    net = BackwardEulerNet(field, 0.1, 1, solver=Anderson())
    net.requires_grad_(requires_grad=False)
    output = net(_state().requires_grad_())
    next(iter(field.parameters())).mul_(2.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        output.sum().backward()


def test_a_value_with_other_bits_sends_the_field_to_python() -> None:
    field, state = _field(), _state()
    with torch.no_grad():
        value = field(torch.zeros(()), state)
    assert kept_slope(field, 0.0, state, value + 1e-9) is None
    assert kept_slope(field, 0.0, state, value) is None
