"""Local bounds of whole maps: against finite differences, the exact gradient, and the product of constants."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_theory import (
    BackwardEulerNet,
    DissipativeField,
    EulerNet,
    GradientFlowField,
    HeunNet,
    LayerRefusedError,
    LinearField,
    ScaledField,
    SkewSymmetricField,
    SumField,
    convolutional_field,
    dense_field,
    growth_upper_bound,
    lipschitz_upper_bound,
    local_lipschitz_upper_bound,
)
from natrob_theory.bounds.local.local_map import LocalMap, local_map_lipschitz_upper_bound

STATE = 5

NETS: dict[str, Callable[[], nn.Module]] = {
    "dense": lambda: EulerNet([dense_field(STATE, 7) for _ in range(3)], 0.4),
    "tanh": lambda: EulerNet([dense_field(STATE, 7, activation=nn.Tanh) for _ in range(2)], 0.4),
    "gradient flow": lambda: EulerNet([GradientFlowField.dense(STATE, 7) for _ in range(3)], 0.8),
    "sum": lambda: EulerNet(
        [
            DissipativeField(
                SumField([GradientFlowField.dense(STATE, 6), ScaledField(SkewSymmetricField.dense(STATE), 0.5)]), 0.3
            )
        ],
        0.4,
        2,
    ),
    "backward Euler": lambda: BackwardEulerNet([GradientFlowField.dense(STATE, 7) for _ in range(2)], 1.5),
    "Heun": lambda: HeunNet([dense_field(STATE, 7)], 0.3),
    "layers around": lambda: nn.Sequential(
        nn.Linear(STATE, 4), nn.Tanh(), EulerNet([dense_field(4, 6)], 0.4), nn.Unflatten(1, (1, 4)), nn.MaxPool1d(2),
        nn.Flatten(), nn.Linear(2, 6), nn.ReLU(), nn.Linear(6, STATE),
    ),
}  # fmt: skip
SHARP = tuple(name for name in NETS if name not in ("Heun", "layers around"))


def net_of(name: str, seed: int, *, scale: float = 1.5) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = NETS[name]().double()
    for parameter in net.parameters():
        parameter.data *= scale
    return net.requires_grad_(False)


def jacobians(net: nn.Module, points: Tensor) -> Tensor:
    """By central differences, exact for piecewise linear maps away from kinks; backward Euler has no forward mode."""
    step = 1e-6
    rows = torch.eye(STATE, dtype=torch.float64) * step
    ends = torch.stack([points[:, None] + rows, points[:, None] - rows])
    above, below = net(ends.flatten(0, 2)).view(2, len(points), STATE, -1)
    return ((above - below) / (2 * step)).mT


@pytest.mark.parametrize("name", SHARP)
def test_at_radius_0_it_is_the_norm_of_the_jacobian(name: str) -> None:
    net = net_of(name, 1)
    points = torch.randn(6, STATE, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    bound = torch.as_tensor(local_map_lipschitz_upper_bound([net], points, 0.0).value)
    exact = torch.linalg.matrix_norm(jacobians(net, points), ord=2)
    assert torch.allclose(bound, exact, rtol=1e-6)
    nearly = torch.as_tensor(local_map_lipschitz_upper_bound([net], points, 1e-9).value)
    assert torch.allclose(nearly, exact, rtol=1e-6)  # as the radius falls it tends to the same


@pytest.mark.parametrize("name", list(NETS))
@settings(max_examples=settings().max_examples // 4)
@given(seed=st.integers(0, 50), radius=st.sampled_from([0.01, 0.1, 0.5, 2.0, 10.0]))
def test_pairs_in_the_ball_and_rows_stay_below_it(name: str, seed: int, radius: float) -> None:
    net = net_of(name, seed)
    generator = torch.Generator().manual_seed(seed)
    center = torch.randn(2, STATE, generator=generator, dtype=torch.float64)
    rows = torch.randn(2, 3, STATE, generator=generator, dtype=torch.float64)
    local, radii = LocalMap([net], (STATE,)), torch.full((2,), radius, dtype=torch.float64)
    whole, each = local.on_balls(center, radii), local.rows_on_balls(center, radii, rows)
    assert float(whole.max()) <= float(lipschitz_upper_bound(net, input_shape=(STATE,))) * (1.0 + 1e-12)
    first, second = (
        center + radius * _in_unit_ball(center.expand(6, -1, -1), generator, near_edge=edge) for edge in (True, False)
    )
    images = net(torch.cat([first, second]).flatten(0, 1)).view(2, *first.shape)  # an implicit solve for all of them
    moved = images[0] - images[1]
    step = (first - second).norm(dim=2)
    assert bool((moved.norm(dim=2) <= whole * step * (1.0 + 1e-9)).all())
    along = (rows @ moved[..., None])[..., 0].abs()
    assert bool((along <= each * step[..., None] * (1.0 + 1e-9)).all())


def test_fields_and_maps_read_one_bound() -> None:
    center = torch.randn(2, STATE, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    for name in NETS:
        net = net_of(name, 7)
        alone = torch.as_tensor(local_lipschitz_upper_bound(net, center, 0.3).value)
        among_parts = torch.as_tensor(local_map_lipschitz_upper_bound([net], center, 0.3).value)
        everywhere = float(lipschitz_upper_bound(net, input_shape=(STATE,)))
        torch.testing.assert_close(alone, among_parts.clamp_max(everywhere), rtol=1e-15, atol=0)


def test_behind_a_layer_known_by_its_constant_the_slopes_are_those_of_the_ball() -> None:
    """The ball around (3, −3) stays where it is, and ReLU leaves its first entry alone."""
    last = nn.Linear(2, 2, bias=False)
    last.requires_grad_(False).weight.copy_(torch.tensor([[1.0, 50.0], [1.0, 0.0]]))
    pooled = nn.Sequential(nn.Unflatten(1, (1, 2)), nn.MaxPool1d(1), nn.Flatten(), nn.ReLU(), last).double()
    value = local_map_lipschitz_upper_bound([pooled], torch.tensor([[3.0, -3.0]]).double(), 0.1).value
    assert float(value) == pytest.approx(2.0**0.5, rel=1e-12)  # type: ignore[arg-type]


def _in_unit_ball(like: Tensor, generator: torch.Generator, *, near_edge: bool) -> Tensor:
    direction = torch.randn(like.shape, generator=generator, dtype=torch.float64)
    length = 1.0 if near_edge else torch.rand((*like.shape[:-1], 1), generator=generator, dtype=torch.float64)
    return direction / direction.norm(dim=-1, keepdim=True) * length


@pytest.mark.parametrize("name", SHARP)
def test_it_grows_with_the_radius_and_ends_below_the_growth_on_all_states(name: str) -> None:
    net = net_of(name, 3)
    center = torch.randn(3, STATE, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    values = torch.stack(
        [torch.as_tensor(local_map_lipschitz_upper_bound([net], center, r).value) for r in (0.0, 0.1, 0.5, 2.0, 50.0)]
    )
    assert bool((values[1:] >= values[:-1] * (1.0 - 1e-9)).all())


def test_linear_networks_are_exact_at_every_radius() -> None:
    matrix = torch.randn(STATE, STATE, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    net = EulerNet(LinearField(0.3 * matrix), 0.5, 3)
    step = torch.eye(STATE, dtype=torch.float64) + 0.15 * matrix
    exact = float(torch.linalg.matrix_norm(step @ step @ step, ord=2))
    for radius in (0.0, 1.0, 100.0):
        value = local_map_lipschitz_upper_bound([net], torch.zeros(1, STATE, dtype=torch.float64), radius).value
        assert float(value) == pytest.approx(exact, rel=1e-10)  # type: ignore[arg-type]
        assert float(value) >= exact * (1 - 1e-14)  # type: ignore[arg-type]


def test_convolutions_and_layers_around_the_network() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        parts = [
            nn.Conv2d(1, 2, 3, padding=1).double(),
            EulerNet(convolutional_field(2, 3), 0.2, 2).double(),
            nn.AdaptiveAvgPool2d(2),
        ]
    center = torch.rand(2, 1, 4, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    value = torch.as_tensor(local_map_lipschitz_upper_bound(parts, center, 1e-9).value)

    def run(flat: Tensor) -> Tensor:
        for part in parts:
            flat = part(flat.view(1, 1, 4, 4) if part is parts[0] else flat)
        return flat.flatten()

    exact = [torch.autograd.functional.jacobian(run, one.flatten()) for one in center]
    norms = torch.stack([torch.linalg.matrix_norm(one, ord=2) for one in exact])
    assert torch.allclose(value, norms, rtol=1e-6)


def test_a_part_without_matrices_enters_by_its_constant() -> None:
    field = nn.Sequential(nn.Flatten(), nn.Unflatten(1, (1, STATE)), nn.MaxPool1d(1), nn.Flatten())
    net = EulerNet(dense_field(STATE, 4).double(), 0.2, 1)
    center = torch.zeros(1, STATE, dtype=torch.float64)
    alone = float(local_map_lipschitz_upper_bound([net], center, 0.1).value)
    both = float(local_map_lipschitz_upper_bound([net, field], center, 0.1).value)
    product = float(growth_upper_bound(net, input_shape=(STATE,)))
    assert alone * (1 - 1e-12) <= both <= product * float(lipschitz_upper_bound(field, input_shape=(STATE,))) * 1.001


def test_unknown_fields_are_refused_by_name() -> None:
    class Mystery(nn.Module):
        def forward(self, time: Tensor, state: Tensor) -> Tensor:
            return state

    with pytest.raises(LayerRefusedError, match="Mystery"):
        local_map_lipschitz_upper_bound([EulerNet(Mystery(), 0.1, 1)], torch.zeros(1, STATE), 0.1)
    with pytest.raises(ValueError, match="`radius` must be finite"):
        local_map_lipschitz_upper_bound([net_of("dense", 0)], torch.zeros(1, STATE), -1.0)
