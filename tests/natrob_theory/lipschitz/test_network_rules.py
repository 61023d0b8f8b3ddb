"""Whole networks as layers: the growth bound of their fields' constants."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from natrob_theory import (
    BackwardEulerNet,
    EulerNet,
    LayerRefusedError,
    LinearField,
    NeuralODE,
    RevNet,
    dense_field,
    lipschitz_upper_bound,
)


def upper(module: nn.Module, shape: tuple[int, ...]) -> float:
    return float(lipschitz_upper_bound(module, input_shape=shape))


@given(rate=st.floats(0.1, 2.0), step_size=st.floats(0.01, 0.4))
def test_every_method_is_its_growth_bound_and_reached_by_a_linear_field(
    tight_method: Any, rate: float, step_size: float
) -> None:
    net = tight_method.build(LinearField(rate * torch.eye(2, dtype=torch.float64)), step_size, 3)
    value = upper(net, (2,))
    assert value == pytest.approx(float(net.growth_bound(rate)), rel=1e-12)
    one = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    with torch.no_grad():
        measured = float((net(2.0 * one) - net(one)).norm())
    assert 0.99 * value < measured <= value * (1 + 1e-9)


@given(seed=st.integers(0, 2**32 - 1))
def test_measured_growth_of_nonlinear_networks_stays_below(method: Any, seed: int) -> None:
    if method.name == "neural_ode":
        return  # refused, see below
    generator = torch.Generator().manual_seed(seed)
    field = dense_field(2, 4).double()
    with torch.no_grad():
        for parameter in field.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    step_size = method.step_size(0.1, upper(field, (2,)))
    net = method.build(field, step_size, 3)
    shape = (2 * method.halves,)
    one, other = (torch.randn((8, *shape), generator=generator, dtype=torch.float64) for _ in range(2))
    with torch.no_grad():
        ratio = (net(other) - net(one)).norm(dim=1) / (other - one).norm(dim=1)
    assert float(ratio.max()) <= upper(net, shape) * (1 + 1e-9)


def test_networks_compose_with_layers_and_with_one_field_per_step() -> None:
    fields = [LinearField(k * torch.eye(2)) for k in (1.0, 3.0)]
    net = EulerNet(fields, 0.5)
    assert upper(net, (2,)) == pytest.approx(1.5 * 2.5, rel=1e-6)
    assert upper(nn.Sequential(nn.Linear(2, 2), net, nn.Linear(2, 1)), (2,)) > 0
    last = nn.Linear(2, 2, bias=False)
    nn.init.eye_(last.weight)
    assert upper(nn.Sequential(net, nn.ReLU(), last), (2,)) == pytest.approx(1.5 * 2.5, rel=1e-6)
    residual = EulerNet(LinearField(2.0 * torch.eye(2)), 1.0, 1)
    assert upper(residual, (2,)) == pytest.approx(3.0, rel=1e-6)


def test_revnet_has_a_constant_for_each_half() -> None:
    net = RevNet((LinearField(2.0 * torch.eye(2)), LinearField(3.0 * torch.eye(2))), 0.1, 4)
    assert upper(net, (4,)) == pytest.approx(float(net.growth_bound((2.0, 3.0))), rel=1e-6)
    with pytest.raises(ValueError, match="the first state axis is split in two halves"):
        upper(net, (3,))


def test_what_has_no_bound_is_refused_by_name() -> None:
    with pytest.raises(LayerRefusedError, match="layer NeuralODE with an adaptive solver: it may choose another grid"):
        upper(NeuralODE(LinearField(torch.eye(2))), (2,))
    with pytest.raises(LayerRefusedError, match=r"layer BackwardEulerNet with these constants: .* only for hK < 1"):
        upper(BackwardEulerNet(LinearField(3.0 * torch.eye(2)), 0.5, 2), (2,))
    with pytest.raises(LayerRefusedError, match="layer FunctionField"):
        upper(EulerNet(lambda _time, state: -state, 0.5, 2), (2,))
    with pytest.raises(LayerRefusedError, match="layer LayerNorm"):
        upper(nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2)), (2,))
