"""Upper bounds of μ: closed forms, dense sampling from below, tight cases, registration and refusals."""

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_theory import (
    AutonomousField,
    Bound,
    DissipativeField,
    GradientFlowField,
    LayerRefusedError,
    LinearField,
    OneSidedConstant,
    SkewSymmetricField,
    SumField,
    convolutional_field,
    dense_field,
    layer_lipschitz,
    lipschitz_lower_bound,
    lipschitz_upper_bound,
    one_sided_lipschitz,
    one_sided_lipschitz_lower_bound,
    one_sided_lipschitz_upper_bound,
)

seeds = st.integers(0, 2**32 - 1)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def two_layers(size: int, hidden: int, seed: int, activation: nn.Module) -> AutonomousField:
    module = nn.Sequential(nn.Linear(size, hidden), activation, nn.Linear(hidden, size)).double()
    for n, parameter in enumerate(module.parameters()):
        parameter.data.copy_(normal(*parameter.shape, seed=seed + 1000 * n) / math.sqrt(parameter.shape[-1]))
    return AutonomousField(module)


def set_weights(module: nn.Sequential, inner: Tensor, outer: Tensor) -> None:
    parts: Any = module
    parts[0].weight.data.copy_(inner)
    parts[2].weight.data.copy_(outer)


def upper(field: nn.Module, *shape: int) -> float:
    bound = one_sided_lipschitz_upper_bound(field, input_shape=shape)
    assert bound.kind == "upper"
    return float(bound)


def sampled_constants(field: AutonomousField, size: int, seed: int) -> tuple[float, float]:
    """K and μ over the Jacobians at a dense sample of states: both are approached from below."""
    parts: Any = field.module
    grid = torch.linspace(-6.0, 6.0, 41 if size == 2 else 15, dtype=torch.float64)
    states = torch.cat([torch.cartesian_prod(*[grid] * size), 3 * normal(500, size, seed=seed)])
    with torch.no_grad():
        inside = parts[0](states)
        slopes = (inside > 0).double() if isinstance(parts[1], nn.ReLU) else 1 - torch.tanh(inside) ** 2
        jacobians = torch.einsum("ih,bh,hj->bij", parts[2].weight, slopes, parts[0].weight)
        lipschitz = torch.linalg.matrix_norm(jacobians, ord=2).max()
        one_sided = torch.linalg.eigvalsh((jacobians + jacobians.mT) / 2)[:, -1].max()
    return float(lipschitz), float(one_sided)


@pytest.mark.parametrize("seed", range(100))
def test_the_intervals_of_small_networks_contain_the_sampled_constants(seed: int) -> None:
    size, hidden = 2 + seed % 2, 2 + seed % 5
    field = two_layers(size, hidden, seed, nn.ReLU() if seed % 4 < 2 else nn.Tanh())
    lipschitz, one_sided = sampled_constants(field, size, seed)
    generator = torch.Generator().manual_seed(seed)
    points = 2 * normal(16, size, seed=seed)
    search = {"radius": 6.0, "generator": generator, "ascent_steps": 15}  # as far as the grid goes
    lower_k = float(lipschitz_lower_bound(field, points, **search))
    lower_mu = float(one_sided_lipschitz_lower_bound(field, points, **search))
    upper_k = float(lipschitz_upper_bound(field, input_shape=(size,)))
    upper_mu = upper(field, size)
    # The sampled numbers are lower bounds too; the searches may miss a region that the grid sees, or find more.
    assert lipschitz <= upper_k
    assert one_sided <= upper_mu
    assert lower_k <= upper_k
    assert lower_mu <= upper_mu <= upper_k
    assert lower_k >= 0.8 * lipschitz
    assert lower_mu >= one_sided - 0.2 * lipschitz
    assert -upper_k <= lower_mu


@given(seeds, st.integers(1, 6))
def test_linear_fields_are_exact(seed: int, size: int) -> None:
    matrix = normal(size, size, seed=seed)
    exact = float(torch.linalg.eigvalsh((matrix + matrix.T) / 2)[-1])
    for field in (LinearField(matrix), AutonomousField(linear_layer(matrix))):
        value = upper(field, size)
        assert exact - 1e-15 * size <= value <= exact + 1e-12
        assert value - 0.01 * abs(exact) - 1e-12 < exact


def linear_layer(matrix: Tensor) -> nn.Linear:
    layer = nn.Linear(*matrix.shape, bias=True).double()
    layer.weight.data.copy_(matrix)
    return layer


def test_matrices_with_known_eigenvalues() -> None:
    for entries, exact in (
        ([[0.0, 1.0], [-1.0, 0.0]], 0.0),
        ([[-2.0, 0.0], [0.0, -3.0]], -2.0),
        ([[0.0, 4.0], [0.0, 0.0]], 2.0),
    ):
        value = upper(LinearField(torch.tensor(entries, dtype=torch.float64)), 2)
        assert exact <= value <= exact + 1e-13


@given(seeds)
def test_a_gradient_flow_written_as_two_layers_is_recognised(seed: int) -> None:
    """W₂ = −W₁ᵀ: the bound by squares gives 0, where K or the entries alone give much more."""
    weight = normal(5, 3, seed=seed)
    module = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 3)).double()
    set_weights(module, weight, -weight.T)
    assert 0.0 <= upper(AutonomousField(module), 3) <= 1e-12
    damped = DissipativeField(AutonomousField(module), 0.5)
    assert upper(damped, 3) == pytest.approx(-0.5, abs=1e-12)


@given(seeds, st.sampled_from([nn.ReLU, nn.Tanh, nn.LeakyReLU, nn.Sigmoid]), st.floats(1e-3, 3.0))
def test_no_pair_in_the_ball_exceeds_the_local_constant(seed: int, activation: type[nn.Module], radius: float) -> None:
    field = two_layers(3, 6, seed, activation())
    center = 2 * normal(4, 3, seed=seed)
    local = one_sided_lipschitz_upper_bound(field, input_shape=(3,), center=center, radius=radius)
    assert isinstance(local.value, Tensor)
    assert (local.value <= upper(field, 3)).all()
    for trial in range(5):
        ends = [normal(4, 3, seed=seed + 10 * trial + n) for n in (1, 2)]
        y, z = (center + radius * end / end.norm(dim=1, keepdim=True).clamp_min(1.0) for end in ends)
        with torch.no_grad():
            rise = field(torch.tensor(0.0), z) - field(torch.tensor(0.0), y)
        quotient = (rise * (z - y)).sum(dim=1) / (z - y).square().sum(dim=1)
        assert (quotient <= local.value + 1e-12 / radius).all()


def test_on_a_ball_without_kinks_the_constant_is_exact() -> None:
    field = two_layers(3, 6, 0, nn.ReLU())
    parts: Any = field.module
    center = normal(8, 3)
    with torch.no_grad():
        active = (parts[0](center) > 0).double()
        jacobians = torch.einsum("ih,bh,hj->bij", parts[2].weight, active, parts[0].weight)
        exact = torch.linalg.eigvalsh((jacobians + jacobians.mT) / 2)[:, -1]
    local = one_sided_lipschitz_upper_bound(field, input_shape=(3,), center=center, radius=1e-9)
    torch.testing.assert_close(local.value, exact, rtol=1e-12, atol=1e-12)
    assert (torch.as_tensor(local.value) >= exact - 1e-15).all()
    assert (torch.as_tensor(local.value) - 0.01 * exact.abs() < exact).all()
    assert "within 1e-09" in local.assumptions[1]


def test_growing_balls_reach_the_constant_of_the_whole_space() -> None:
    field = DissipativeField(two_layers(3, 6, 1, nn.ReLU()), 0.3)
    values = []
    for radius in (0.0, 0.1, 1.0, 10.0, 1e6):
        bound = one_sided_lipschitz_upper_bound(field, input_shape=(3,), center=normal(5, 3), radius=radius)
        values.append(torch.as_tensor(bound.value))
    assert all((low <= high + 1e-12).all() for low, high in pairwise(values))
    assert values[-1].tolist() == pytest.approx([upper(field, 3)] * 5, abs=1e-12)


def test_other_fields_keep_the_constant_of_the_whole_space_on_balls() -> None:
    bound = one_sided_lipschitz_upper_bound(
        SkewSymmetricField.dense(3), input_shape=(3,), center=torch.ones(2, 3), radius=1.0
    )
    assert torch.as_tensor(bound.value).tolist() == [0.0, 0.0]
    assert "on each ball" not in bound.source


def test_a_layer_that_occurs_twice_counts_twice() -> None:
    swap, back = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
    swap.weight.data = torch.tensor([[0.0, -1.0], [-1.0, 0.0]])
    back.weight.data = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    tied = AutonomousField(nn.Sequential(swap, nn.LeakyReLU(0.999), back, swap))  # nearly y -> (y₂, y₁): μ = 1
    assert float(one_sided_lipschitz_upper_bound(tied, input_shape=(2,))) >= 0.999
    activation = nn.ReLU()
    first, last = nn.Linear(1, 2, bias=False), nn.Linear(2, 1, bias=False)
    first.weight.data, last.weight.data = torch.tensor([[1.0], [1.0]]), torch.tensor([[-1.0, -1.0]])
    for end in (activation, nn.ReLU()):  # the same module, or one like it
        off = AutonomousField(nn.Sequential(first, activation, last, end))
        assert float(one_sided_lipschitz_upper_bound(off, input_shape=(1,))) == pytest.approx(2.0)


def test_two_layers_are_never_above_k_and_mostly_below() -> None:
    below = 0
    for seed in range(20):
        field = two_layers(4, 8, seed, nn.ReLU())
        lipschitz = float(lipschitz_upper_bound(field, input_shape=(4,)))
        assert upper(field, 4) <= lipschitz
        below += upper(field, 4) < 0.9 * lipschitz
    assert below >= 15


def test_units_without_weights_change_nothing() -> None:
    field = two_layers(3, 4, 0, nn.ReLU())
    parts: Any = field.module
    with torch.no_grad():
        parts[0].weight[1] = 0.0
        parts[2].weight[:, 2] = 0.0
    _, sampled = sampled_constants(field, 3, 0)
    assert sampled <= upper(field, 3) < math.inf
    with torch.no_grad():
        parts[0].weight.zero_()
    assert 0.0 <= upper(field, 3) <= 1e-12


class Sine(nn.Module):
    """An activation of a user's own, whose slopes nobody has told."""

    def forward(self, state: Tensor) -> Tensor:
        return torch.sin(state)


def test_sources_say_where_the_number_comes_from() -> None:
    def source(field: nn.Module, *shape: int) -> str:
        return one_sided_lipschitz_upper_bound(field, input_shape=shape).source

    assert "interval of the Jacobians" in source(dense_field(3, 4), 3)
    assert source(convolutional_field(2, 3), 2, 5, 5) == "μ ≤ K, product of layer norms"
    assert "interval of the Jacobians" in source(dense_field(3, 4, activation=nn.GELU), 3)
    layer_lipschitz.register(Sine, lambda _layer, _shape: 1.0)
    assert "Sine" in source(dense_field(3, 4, activation=Sine), 3)
    assert "μ ≤ K of ReLU" in source(AutonomousField(nn.ReLU()), 3)
    both = SumField([SkewSymmetricField.dense(3), GradientFlowField.dense(3, 2)])
    assert source(both, 3) == "sum of: skew-symmetric field: μ = 0 | gradient flow of a convex potential: μ ≤ 0"
    assert "less the rate 0.5" in source(DissipativeField(both, 0.5), 3)


class Unknown(nn.Module):
    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        return -state


class Nicer(Unknown):
    pass


def test_an_unknown_field_is_refused_by_name_and_can_be_registered() -> None:
    with pytest.raises(LayerRefusedError, match=r"field Unknown: register one with natrob_theory\.one_sided_lipschitz"):
        upper(Unknown(), 3)

    @one_sided_lipschitz.register
    def _(field: Nicer, input_shape: tuple[int, ...]) -> OneSidedConstant:
        return OneSidedConstant(-1.0, "Nicer: by construction")

    bound = one_sided_lipschitz_upper_bound(Nicer(), input_shape=(3,))
    assert (float(bound), bound.source) == (-1.0, "Nicer: by construction")
    hooked = Nicer()
    hooked.register_forward_hook(lambda _module, _inputs, output: -output)
    with pytest.raises(LayerRefusedError, match="Nicer with forward hooks"):
        upper(hooked, 3)


def test_a_lipschitz_rule_is_enough() -> None:
    class Bounded(Unknown):
        pass

    layer_lipschitz.register(Bounded, lambda _layer, _shape: 2.0)
    assert upper(Bounded(), 3) == 2.0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"field": lambda _t, y: y}, TypeError, "`field` must be an nn.Module, got function"),
        ({"input_shape": ()}, ValueError, "`input_shape` must hold positive sizes"),
        ({"radius": 1.0}, ValueError, "`center` and `radius` must be given together"),
        ({"center": torch.ones(1, 2)}, ValueError, "`center` and `radius` must be given together"),
        ({"center": torch.ones(1, 2), "radius": -1.0}, ValueError, "`radius` must be at least 0, got -1.0"),
        ({"center": torch.ones(1, 3), "radius": 1.0}, ValueError, r"`center` must have shape .* got \(1, 3\)"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], error: type[Exception], message: str, unchecked: None) -> None:
    arguments = {"field": LinearField(torch.eye(2)), "input_shape": (2,), **arguments}
    with pytest.raises(error, match=message):
        one_sided_lipschitz_upper_bound(arguments.pop("field"), **arguments)


@given(seeds)
@settings(max_examples=10)
def test_a_bound_one_percent_too_small_is_caught_by_sampling(seed: int) -> None:
    """Two ReLU units that are both on reach the bound for W₂ = W₁ᵀ: the interval bound is then ‖W₁‖²."""
    weight = normal(1, 2, seed=seed)
    module = nn.Sequential(nn.Linear(2, 1), nn.ReLU(), nn.Linear(1, 2)).double()
    set_weights(module, weight, weight.T)
    module[0].bias.data.zero_()  # type: ignore[union-attr] - a large bias could keep the unit off at all samples
    field = AutonomousField(module)
    _, sampled = sampled_constants(field, 2, seed)
    bound = one_sided_lipschitz_upper_bound(field, input_shape=(2,))
    assert isinstance(bound, Bound)
    assert sampled <= float(bound)
    assert sampled > 0.99 * float(bound)


@pytest.mark.parametrize(("radius", "exact"), [(0.99, 0.0), (1.02, 1.0)])
def test_a_ball_that_just_reaches_the_kink_counts_it(radius: float, exact: float) -> None:
    """relu(y − 1) on balls around 0: flat up to radius 1, with slope 1 between 1 and any larger one."""
    module = nn.Sequential(nn.Linear(1, 1), nn.ReLU(), nn.Linear(1, 1)).double()
    set_weights(module, torch.ones(1, 1), torch.ones(1, 1))
    module[0].bias.data.fill_(-1.0)  # type: ignore[union-attr]
    centre = torch.zeros(1, 1, dtype=torch.float64)
    bound = one_sided_lipschitz_upper_bound(module, input_shape=(1,), center=centre, radius=radius)
    assert exact <= float(torch.as_tensor(bound.value)[0]) <= exact + 1e-12
