"""Shapes, dtypes, devices, shared and separate fields: what every network does alike."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_theory import (
    MIDPOINT,
    AbstractIntegratorNet,
    BackwardEulerNet,
    EulerNet,
    FractalNet,
    HeunNet,
    LinearField,
    NeuralODE,
    PolyNet,
    RevNet,
    RungeKuttaNet,
    broadcast_time,
    convolutional_field,
    dense_field,
)

FIXED: list[Callable[..., AbstractIntegratorNet]] = [
    EulerNet, HeunNet, RungeKuttaNet, BackwardEulerNet, PolyNet, FractalNet,
]  # fmt: skip


def decay(time: Tensor, state: Tensor) -> Tensor:
    return -torch.tanh(state) + 0.1 * torch.cos(broadcast_time(time, state))


def normal(shape: tuple[int, ...], dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(3, 4), (2, 4, 3, 5), (2, 2, 3, 2, 3)])
def test_states_keep_shape_and_dtype(method: Any, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    net, y0 = method.build(decay, 0.1, 3), normal(shape, dtype)
    final, trajectory = net(y0), net.trajectory(y0)
    steps = len(trajectory.times) - 1
    assert final.shape == shape
    assert final.dtype == dtype
    assert trajectory.states.shape == (steps + 1, *shape)
    own_grids = method.name == "neural_ode"
    assert trajectory.times.shape == ((steps + 1, len(y0)) if own_grids else (steps + 1,))
    assert trajectory.times.dtype == torch.float64
    assert torch.equal(trajectory.states[0], y0)
    assert torch.equal(trajectory.states[-1], final)
    if not own_grids:
        assert trajectory.times.tolist() == pytest.approx([0.0, 0.1, 0.2, 0.3], rel=1e-15)


def test_flattened_images_give_the_same_numbers(method: Any) -> None:
    """The state's shape is no part of the mathematics of a componentwise field."""
    if method.halves == 2:
        image, flat = normal((3, 4, 2)), normal((3, 4, 2)).flatten(1)
    else:
        image, flat = normal((3, 2, 2, 2)), normal((3, 2, 2, 2)).flatten(1)
    net = method.build(decay, 0.1, 3)
    torch.testing.assert_close(net(image).flatten(1), net(flat), rtol=1e-12, atol=1e-13)


def test_permuting_the_batch_permutes_the_result(method: Any) -> None:
    net, y0 = method.build(decay, 0.1, 3), normal((5, 4))
    order = torch.tensor([3, 0, 4, 1, 2])
    # The Neural ODE's grid comes from a norm over the batch, whose sum may be rounded in another order.
    torch.testing.assert_close(net(y0[order]), net(y0)[order], rtol=1e-11, atol=1e-12)


def test_samples_are_independent(method: Any) -> None:
    if method.name == "neural_ode":
        return  # one error norm over the batch, as documented: test_neural_ode.py
    net, y0 = method.build(decay, 0.1, 3), normal((5, 4))
    alone = torch.cat([net(sample[None]) for sample in y0])
    torch.testing.assert_close(alone, net(y0), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("network", FIXED)
def test_one_field_per_step_is_applied_in_order(network: Callable[..., AbstractIntegratorNet]) -> None:
    fields = [LinearField(0.5 * normal((2, 2), seed=seed)) for seed in (1, 2, 3)]  # which do not commute
    y0 = normal((2, 2))
    with torch.no_grad():
        state = y0
        for field in fields:
            state = network(field, 0.2, 1)(state)
        for net in (network(fields, 0.2), network(tuple(fields), 0.2, 3), network(nn.ModuleList(fields), 0.2)):
            torch.testing.assert_close(net(y0), state, rtol=1e-13, atol=1e-14)
            assert len(list(net.parameters())) == 3


@pytest.mark.parametrize("network", FIXED)
def test_one_shared_field_has_its_parameters_once(network: Callable[..., AbstractIntegratorNet]) -> None:
    net = network(dense_field(4, 6), 0.1, 5)
    assert sum(parameter.numel() for parameter in net.parameters()) == 4 * 6 + 6 + 6 * 4 + 4
    net(torch.ones(2, 4)).sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_revnet_takes_one_pair_or_one_per_step() -> None:
    y0 = normal((2, 4), torch.float32)
    pairs = [(dense_field(2, 3), dense_field(2, 3)) for _ in range(2)]
    state = y0
    for pair in pairs:
        state = RevNet(pair, 0.3, 1)(state)
    torch.testing.assert_close(RevNet(pairs, 0.3)(y0), state)
    torch.testing.assert_close(RevNet(tuple(pairs), 0.3, 2)(y0), state)
    assert len(list(RevNet(pairs, 0.3).parameters())) == 16


@pytest.mark.parametrize("network", FIXED)
def test_times_of_the_steps(network: Callable[..., AbstractIntegratorNet]) -> None:
    net = network(decay, 0.25, 3, start_time=-1.0)
    assert [step.time for step in net.plan()] == [-1.0, -0.75, -0.5]
    assert net.trajectory(torch.ones(1, 2)).times.tolist() == [-1.0, -0.75, -0.5, -0.25]


def test_networks_of_convolutions() -> None:
    y0 = normal((2, 4, 6, 5), torch.float32)
    assert EulerNet(convolutional_field(4, 3), 0.1, 2)(y0).shape == y0.shape
    assert RevNet((convolutional_field(2, 3), convolutional_field(2, 3)), 0.1, 2)(y0).shape == y0.shape


def test_printed_forms_name_method_step_and_steps() -> None:
    assert "explicit midpoint, step_size=0.1, num_steps=3" in repr(RungeKuttaNet(decay, 0.1, 3, tableau=MIDPOINT))
    assert "t from 0 to 1, rtol=0.001, atol=0.001" in repr(NeuralODE(decay))


def test_states_can_be_saved_and_loaded() -> None:
    one, other = EulerNet(dense_field(3, 4), 0.1, 2), EulerNet(dense_field(3, 4), 0.1, 2)
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(torch.ones(1, 3)), other(torch.ones(1, 3)))


@pytest.mark.gpu
def test_results_stay_on_the_device(method: Any) -> None:
    y0 = normal((3, 4)).cuda()
    net = method.build(decay, 0.1, 3)
    assert net.trajectory(y0).times.device == y0.device
    torch.testing.assert_close(net(y0).cpu(), net(y0.cpu()), rtol=1e-11, atol=1e-12)
