"""Group, layer and instance norms: the constant everywhere, and on balls away from constant groups."""

import math

import pytest
import torch
from torch import nn

from natrob_theory import local_lipschitz_upper_bound
from natrob_theory.layers.questions import evaluated, layer_lipschitz, layer_lipschitz_near
from natrob_theory.layers.statements import Evaluated
from tests.natrob_theory.layers.matrices import jacobian_norm

LAYERS = [
    (nn.GroupNorm(2, 4, eps=0.01), (4, 3)),
    (nn.LayerNorm(6, eps=0.5), (6,)),
    (nn.LayerNorm([3, 2]), (2, 3, 2)),
    (nn.InstanceNorm2d(3, affine=True), (3, 2, 2)),
]


def scaled(layer: nn.Module, seed: int) -> nn.Module:
    """With weights of different sizes, in float64."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for scale_or_shift in layer.parameters():
            scale_or_shift.uniform_(-2, 2, generator=generator)
    return layer.double()


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=repr)
def test_on_balls_no_jacobian_is_steeper(layer: nn.Module, shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(3)
    layer = scaled(layer, 0)
    center = torch.randn((4, *shape), generator=generator, dtype=torch.float64)
    radius = torch.tensor([0.0, 0.1, 1.0, 9.0], dtype=torch.float64)
    near = layer_lipschitz_near(layer, center, radius, shape)
    everywhere = layer_lipschitz(layer, shape)
    assert (near <= everywhere).all()
    assert float(near[3]) == everywhere
    for sample in range(4):
        for _ in range(8):
            step = torch.randn(shape, generator=generator, dtype=torch.float64)
            point = center[sample] + step * radius[sample] / step.norm()
            assert jacobian_norm(layer, point) <= float(near[sample])


def test_at_a_constant_group_the_constant_is_attained() -> None:
    layer = nn.GroupNorm(1, 2, eps=0.04).double()
    exact = 1.0 / math.sqrt(0.04)
    assert jacobian_norm(layer, torch.ones((2, 3), dtype=torch.float64)) == pytest.approx(exact, rel=1e-12)
    assert exact <= layer_lipschitz(layer, (2, 3)) <= exact * (1 + 1e-14)


def test_on_a_ball_the_constant_is_attained_where_the_deviation_is_least() -> None:
    layer = nn.LayerNorm(3, eps=0.1, elementwise_affine=False).double()
    center = torch.tensor([[2.0, -1.0, -1.0]], dtype=torch.float64)
    size = math.sqrt(6.0)
    (near,) = layer_lipschitz_near(layer, center, torch.tensor([1.0], dtype=torch.float64), (3,)).tolist()
    exact = 1.0 / math.sqrt((size - 1.0) ** 2 / 3 + 0.1)
    least = center[0] * (1 - 1 / size)
    assert jacobian_norm(layer, least) == pytest.approx(exact, rel=1e-12)
    assert exact <= near <= exact * (1 + 1e-13)


def test_far_values_neither_overflow_nor_lose_the_bound() -> None:
    layer = nn.LayerNorm(2, elementwise_affine=False).double()
    center = torch.tensor([[1e150, -1e150], [1e200, -1e200], [torch.inf, 0.0], [torch.nan, 0.0]], dtype=torch.float64)
    near = layer_lipschitz_near(layer, center, torch.ones(4, dtype=torch.float64), (2,))
    assert 1e-150 <= float(near[0]) < 1.1e-150
    assert near[1:].tolist() == [layer_lipschitz(layer, (2,))] * 3


def test_the_output_is_no_longer_than_its_groups_allow() -> None:
    layer = scaled(nn.GroupNorm(2, 4), 1)
    before = Evaluated(*torch.tensor([[1e6, 0.0], [0.0, 0.0]], dtype=torch.float64))
    norm = evaluated(layer, (4, 3), before, 2.0**-53).norm
    states = 1e6 * torch.randn((50, 4, 3), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    value = layer(states).detach()
    assert float(norm[0]) == 0.0
    assert float(value.flatten(1).norm(dim=1).max()) <= float(norm[1]) < 20.0


def test_one_entry_a_group_gives_the_shift_alone() -> None:
    assert layer_lipschitz(nn.LayerNorm(1), (5, 1)) == 0.0


def test_a_sample_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must begin with 4 for this GroupNorm layer, got \(2, 3\)"):
        layer_lipschitz(nn.GroupNorm(2, 4), (2, 3))
    with pytest.raises(ValueError, match=r"must end in \(3,\) for this LayerNorm layer, got \(3, 2\)"):
        layer_lipschitz(nn.LayerNorm(3), (3, 2))
    with pytest.raises(ValueError, match="a channel axis and 2 more for InstanceNorm2d"):
        layer_lipschitz(nn.InstanceNorm2d(3), (3, 2))


def test_local_bounds_of_chains_use_the_constant_on_the_ball() -> None:
    torch.manual_seed(0)
    chain = nn.Sequential(nn.Linear(6, 6), nn.LayerNorm(6), nn.Tanh(), nn.Linear(6, 3)).double()
    center = torch.randn((3, 6), dtype=torch.float64)
    radius = torch.tensor([0.0, 0.05, 50.0], dtype=torch.float64)
    bound = local_lipschitz_upper_bound(chain, center, radius).value
    assert isinstance(bound, torch.Tensor)
    everywhere = layer_lipschitz(chain, (6,))
    assert float(bound[2]) <= everywhere * (1 + 1e-12)
    assert (bound[:2] < everywhere / 20).all()
    for sample in range(2):
        for _ in range(20):
            step = torch.randn(6, dtype=torch.float64)
            assert jacobian_norm(chain, center[sample] + step * radius[sample] / step.norm()) <= float(bound[sample])


def test_the_local_bound_of_the_norm_alone_is_attained() -> None:
    layer = nn.LayerNorm(3, eps=0.1, elementwise_affine=False).double()
    center = torch.tensor([[2.0, -1.0, -1.0]], dtype=torch.float64)
    bound = local_lipschitz_upper_bound(layer, center, torch.ones(1, dtype=torch.float64)).value
    exact = 1.0 / math.sqrt((math.sqrt(6.0) - 1.0) ** 2 / 3 + 0.1)
    assert isinstance(bound, torch.Tensor)
    assert exact <= float(bound) <= exact * (1 + 1e-12)
