"""Fixed steps in C++ beside the same steps in Python: states, gradients, times, and who stays in Python."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_theory import (
    BackwardEulerNet,
    EulerNet,
    FractalNet,
    HeunNet,
    PolyNet,
    RevNet,
    RungeKuttaNet,
    broadcast_time,
    measure_divergence,
)
from natrob_theory.checks import trajectories
from natrob_theory.fields import AutonomousField, FunctionField
from natrob_theory.native import refusal_of
from natrob_theory.networks import AbstractFixedStepNet, fixed_step_net

STEPS = 5


pytestmark = pytest.mark.usefixtures("compiled")


class _Timed(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.layer = nn.Linear(features, features)

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        return torch.tanh(self.layer(state)) - broadcast_time(time, state) * state


def _timed(features: int = 6) -> nn.Module:
    return _Timed(features)


NETS: dict[str, Callable[[], AbstractFixedStepNet]] = {
    "Euler": lambda: EulerNet(_timed(), 0.3, STEPS),
    "Heun": lambda: HeunNet(_timed(), 0.3, STEPS, start_time=2.0),
    "RK4": lambda: RungeKuttaNet(_timed(), 0.3, STEPS),
    "PolyNet": lambda: PolyNet(_timed(), 0.3, STEPS, order=3),
    "FractalNet": lambda: FractalNet(_timed(), 0.3, STEPS, columns=3),
    "RevNet": lambda: RevNet((_timed(3), _timed(3)), 0.3, STEPS),
}


def _in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (fixed_step_net, trajectories):
        monkeypatch.setattr(module, "native_passage", lambda *_: None)
    monkeypatch.setattr(trajectories, "native_pair_distances", lambda _: None)


def _gradients(net: AbstractFixedStepNet, y0: Tensor) -> list[Tensor]:
    """First derivatives by all that takes one, and second ones by the first weight."""
    wanted = [*([y0] if y0.requires_grad else []), *net.parameters()]
    first = torch.autograd.grad(net(y0).square().sum(), wanted, create_graph=True)
    second = torch.autograd.grad(torch.stack([part.square().sum() for part in first]).sum(), wanted)
    return [*first, *second]


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", NETS)
def test_the_states_are_those_of_python_bit_for_bit(
    name: str, dtype: torch.dtype, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, y0 = NETS[name]().to(dtype), torch.randn(batch, 6, dtype=dtype)
    with torch.no_grad():
        own, path = net(y0), net.trajectory(y0)
        assert net.ran_native
        recorded = net(y0.clone().requires_grad_())
        _in_python(monkeypatch)
        expected, expected_path = net(y0), net.trajectory(y0)
    assert not net.ran_native
    assert torch.equal(own, expected)
    assert torch.equal(recorded, expected)
    assert torch.equal(path.states, expected_path.states)


@pytest.mark.parametrize("of_state", [False, True], ids=["weights alone", "the state too"])
@pytest.mark.parametrize("name", NETS)
def test_the_gradients_are_those_of_python(name: str, of_state: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    net, y0 = NETS[name]().double(), torch.randn(3, 6, dtype=torch.float64)
    y0.requires_grad_(of_state)
    own = _gradients(net, y0)
    assert net.ran_native
    _in_python(monkeypatch)
    for one, other in zip(own, _gradients(net, y0), strict=True):
        # The graphs are the same; only the order in which they sum a weight's shares may differ.
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", NETS)
def test_the_measured_divergence_is_that_of_python(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net, y0 = NETS[name](), torch.randn(3, 6)
    perturbation = 0.1 * torch.randn(3, 6)
    perturbation[1] = 0.0
    own = measure_divergence(net, y0, perturbation)
    _in_python(monkeypatch)
    expected = measure_divergence(net, y0, perturbation)
    assert torch.equal(own.times, expected.times)
    # The same float64 numbers, summed in another order.
    torch.testing.assert_close(own.distance, expected.distance, rtol=1e-14, atol=0.0)
    torch.testing.assert_close(own.secant_constants, expected.secant_constants, rtol=1e-14, atol=0.0)


@pytest.mark.parametrize("scale", [1e-160, 1e160])
def test_distances_beyond_squaring_are_measured_all_the_same(scale: float) -> None:
    net = EulerNet(FunctionField(lambda t, y: -y), 0.5, STEPS)
    y0 = torch.ones(2, 6, dtype=torch.float64)
    distance = measure_divergence(net, scale * y0, 3.0 * scale * y0).distance
    expected = 3.0 * scale * 6**0.5 * 0.5 ** torch.arange(STEPS + 1, dtype=torch.float64)
    torch.testing.assert_close(distance, expected[:, None].expand(-1, 2), rtol=1e-14, atol=0.0)


def test_a_trajectory_that_overflows_is_refused_as_in_python() -> None:
    net = EulerNet(FunctionField(lambda t, y: 1e30 * y), 1.0, STEPS)
    with pytest.raises(OverflowError, match="from step 2 on"):
        measure_divergence(net, torch.ones(2, 6), torch.ones(2, 6))


def test_a_field_that_turns_nan_gives_nan_as_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    net = EulerNet(FunctionField(lambda t, y: y / (t - 0.3)), 0.1, STEPS)
    own = net.trajectory(torch.ones(2, 6)).states
    assert net.ran_native
    _in_python(monkeypatch)
    torch.testing.assert_close(own, net.trajectory(torch.ones(2, 6)).states, rtol=0.0, atol=0.0, equal_nan=True)


def _shared(field: Any) -> AbstractFixedStepNet:
    return EulerNet(field, 0.1, STEPS)


IN_PYTHON: dict[str, Callable[[], Any]] = {
    "has a field for each step": lambda: EulerNet([_timed() for _ in range(STEPS)], 0.1),
    "is short": lambda: EulerNet(_timed(), 0.1, 2),
    "is implicit": lambda: BackwardEulerNet(_timed(), 0.1, STEPS),
    "draws": lambda: _shared(lambda t, y: y * torch.rand_like(y)),
    "must not look at its time": lambda: EulerNet(AutonomousField(nn.Linear(6, 6)), 0.1, STEPS, start_time=1e9),
    "has weights of another dtype": lambda: _shared(lambda t, y: _DOUBLE(y.double()).float()),
}
_DOUBLE = nn.Linear(6, 6).double()


@pytest.mark.parametrize("name", IN_PYTHON)
def test_a_network_stays_in_python_that(name: str) -> None:
    net = IN_PYTHON[name]()
    net(torch.randn(3, 6))
    assert not net.ran_native


class _Rebound(nn.Module):
    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        return state * RATE


RATE = 0.5


def test_a_global_number_that_changes_behind_a_program_sends_the_field_back_to_python(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net, y0 = _shared(_Rebound()), torch.ones(2, 6)
    before = net(y0)
    assert net.ran_native
    monkeypatch.setitem(globals(), "RATE", 0.25)
    after = net(y0)
    assert not net.ran_native
    assert "other bits" in refusal_of(net.fields[0])
    assert before.allclose(y0 * 1.05**STEPS)
    assert after.allclose(y0 * 1.025**STEPS)
