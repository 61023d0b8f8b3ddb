"""check_growth_bound: the check of the bound that knows the fields' structure, sound and tight."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_theory import (
    AbstractIntegratorNet,
    BackwardEulerNet,
    EulerNet,
    GradientFlowField,
    LayerRefusedError,
    NeuralODE,
    RevNet,
    SkewSymmetricField,
    check_bound,
    check_growth_bound,
    dense_field,
    growth_upper_bound,
)
from natrob_theory.steppers.growth_factors import EulerGradientFlow

SHAPE = (6,)


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def gradient_flow_at_its_largest_step() -> EulerNet:
    """A flow on two of six directions, with h = 2/‖W‖²."""
    field = GradientFlowField(nn.Linear(6, 2), nn.ReLU()).double()
    field.linear_map.weight.data = torch.linalg.qr(normal(6, 2, seed=0)).Q.T.contiguous()
    return EulerNet(field, 2.0, 3)


NETWORKS: dict[str, Any] = {
    "gradient flow": gradient_flow_at_its_largest_step,
    "Euler": lambda: EulerNet([dense_field(6, 4).double() for _ in range(3)], 0.3),
    "backward Euler": lambda: BackwardEulerNet(SkewSymmetricField.dense(6).double(), 0.5, 3),
    "RevNet": lambda: RevNet([(dense_field(3, 4).double(), dense_field(3, 4).double()) for _ in range(2)], 0.3),
    "Neural ODE": lambda: NeuralODE(dense_field(6, 4).double(), 1.0),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_check_holds_and_ends_at_the_growth_bound(name: str) -> None:
    net: AbstractIntegratorNet = NETWORKS[name]()
    y0, perturbation = normal(5, 6, seed=1), 0.1 * normal(5, 6, seed=2)
    check = check_growth_bound(net, y0, perturbation)
    assert check.all_hold
    assert check.kind == "upper"
    assert not check.of_pairs_only
    growth = torch.as_tensor(growth_upper_bound(net, input_shape=SHAPE).value, dtype=torch.float64)
    torch.testing.assert_close(check.bound[-1] / check.distance[0], growth.expand(5), rtol=1e-12, atol=0.0)


def test_a_direction_that_a_gradient_flow_leaves_alone_is_tight_and_one_percent_less_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net = gradient_flow_at_its_largest_step()
    field = next(iter(net.fields))
    assert isinstance(field, GradientFlowField)
    weight = field.linear_map.weight.detach()
    y0, direction = normal(4, 6, seed=1), normal(4, 6, seed=2)
    kept = direction - direction @ weight.T @ weight
    check = check_growth_bound(net, y0, kept)
    assert check.all_hold
    assert check.ratio.min().item() == pytest.approx(1.0, abs=1e-12)
    assert check.bound[-1].max() < 0.1 * check_bound(net, y0, kept, lipschitz=1.0).bound[-1].max()
    whole = EulerGradientFlow.growth
    monkeypatch.setattr(EulerGradientFlow, "growth", lambda self, step: 0.99 * whole(self, step))
    assert not check_growth_bound(net, y0, kept).holds[1:].any()


def test_a_field_that_cannot_be_bounded_is_refused() -> None:
    net = EulerNet(lambda _t, y: torch.sin(y), 0.1, 2)
    with pytest.raises(LayerRefusedError):
        check_growth_bound(net, normal(2, 6, seed=1), normal(2, 6, seed=2))
