"""Local Lipschitz bounds: never below sampled secants in the ball, exact where the module is linear on it."""

import math
import re
from itertools import pairwise

import pytest
import torch
from costly_examples import repeats
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_theory import (
    AutonomousField,
    LayerRefusedError,
    LinearField,
    convolutional_field,
    layer_lipschitz,
    lipschitz_lower_bound,
    lipschitz_upper_bound,
    local_lipschitz_upper_bound,
)
from natrob_theory.bounds.local import stages
from natrob_theory.layers import convolution

ACTIVATIONS = [
    nn.ReLU, nn.LeakyReLU, nn.Hardtanh, nn.Tanh, nn.Sigmoid, nn.Softsign, nn.LogSigmoid, nn.Tanhshrink, nn.ELU, nn.CELU,
    nn.SiLU, nn.GELU,
]  # fmt: skip


def drawn(module: nn.Module, seed: int) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.double().parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
        for name, buffer in module.named_buffers():
            if name.endswith("running_var"):
                buffer.copy_(0.5 + torch.rand(buffer.shape, generator=generator, dtype=torch.float64))
            elif name.endswith("running_mean"):
                buffer.copy_(torch.randn(buffer.shape, generator=generator, dtype=torch.float64))
    return module.eval()


def local(module: nn.Module, center: Tensor, radius: float | Tensor) -> Tensor:
    bound = local_lipschitz_upper_bound(module, center, radius)
    assert bound.kind == "upper"
    assert isinstance(bound.value, Tensor)
    assert bound.value.shape == (len(center),)
    return bound.value


def points_in_ball(center: Tensor, radius: float, count: int, generator: torch.Generator) -> Tensor:
    """(count, batch, entries), half of them on the sphere."""
    offset = torch.randn((count, *center.shape), generator=generator, dtype=torch.float64)
    offset = offset / offset.flatten(2).norm(dim=2).view(count, -1, *[1] * (center.dim() - 1))
    shrink = torch.rand((count, *[1] * center.dim()), generator=generator, dtype=torch.float64)
    shrink[::2] = 1.0
    return center + radius * shrink * offset


def largest_sampled_secant(module: nn.Module, center: Tensor, radius: float, generator: torch.Generator) -> Tensor:
    first, second = (points_in_ball(center, radius, 200, generator) for _ in range(2))
    second[100:] = first[100:] + 1e-3 * (second[100:] - first[100:])  # near pairs see the steep places
    with torch.no_grad():
        rise = (module(second.flatten(0, 1)) - module(first.flatten(0, 1))).flatten(1).norm(dim=1)
    length = (second - first).flatten(0, 1).flatten(1).norm(dim=1)
    secants = torch.where(length > 0, rise / length, 0.0)
    return secants.view(len(first), -1).amax(dim=0)


@st.composite
def chains(draw: st.DrawFn) -> nn.Module:
    """Two or three linear layers on 2- or 3-dimensional states, any activations between, perhaps at the ends."""
    size = draw(st.integers(2, 3))
    widths = [size, *draw(st.lists(st.integers(1, 6), min_size=1, max_size=2)), size]
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers.append(nn.Linear(inputs, outputs))
        if draw(st.booleans()):
            layers.append(nn.BatchNorm1d(outputs))
        layers += [draw(st.sampled_from(ACTIVATIONS))() for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2])))]
    if draw(st.booleans()):
        layers.insert(0, draw(st.sampled_from(ACTIVATIONS))())
    return drawn(nn.Sequential(*layers), draw(st.integers(0, 2**32 - 1)))


def state_size(module: nn.Module) -> int:
    return next(layer.in_features for layer in module.modules() if isinstance(layer, nn.Linear))


@given(module=chains(), radius=st.floats(1e-3, 30.0), seed=st.integers(0, 2**32 - 1))
def test_no_sampled_secant_of_the_ball_exceeds_the_bound(module: nn.Module, radius: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    center = torch.randn((3, state_size(module)), generator=generator, dtype=torch.float64)
    bound = local(module, center, radius)
    assert (largest_sampled_secant(module, center, radius, generator) <= bound * (1 + 1e-9) + 1e-12 / radius).all()
    assert (bound <= float(lipschitz_upper_bound(module, input_shape=tuple(center.shape[1:])))).all()


@given(module=chains(), radius=st.floats(1e-3, 10.0), seed=st.integers(0, 2**32 - 1))
def test_gradient_ascent_in_the_ball_stays_below_the_bound(module: nn.Module, radius: float, seed: int) -> None:
    """The search moves both ends by at most its own radius, so half of the ball's."""
    generator = torch.Generator().manual_seed(seed)
    center = torch.randn((1, state_size(module)), generator=generator, dtype=torch.float64)
    found = lipschitz_lower_bound(
        AutonomousField(module), center, radius=radius / 2, generator=generator, samples=1, ascent_steps=3
    )
    assert float(found) <= float(local(module, center, radius)) * (1 + 1e-12)


@given(module=chains(), seed=st.integers(0, 2**32 - 1), first=st.floats(0, 5.0), second=st.floats(0, 5.0))
def test_the_bound_grows_with_the_radius(module: nn.Module, seed: int, first: float, second: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    center = torch.randn((4, state_size(module)), generator=generator, dtype=torch.float64)
    smaller, larger = local(module, center, min(first, second)), local(module, center, max(first, second))
    assert (smaller <= larger * (1 + 1e-9) + 1e-12).all()


@given(module=chains(), seed=st.integers(0, 2**32 - 1))
def test_at_radius_0_it_is_the_norm_of_the_jacobian(module: nn.Module, seed: int) -> None:
    center = torch.randn((3, state_size(module)), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    jacobian = torch.stack([torch.autograd.functional.jacobian(lambda y: module(y[None])[0], c) for c in center])
    exact = torch.linalg.matrix_norm(jacobian, ord=2)
    bound = local(module, center, 0.0)
    torch.testing.assert_close(bound, exact, rtol=1e-7, atol=1e-9)
    assert (bound >= exact * (1 - 1e-12) - 1e-14).all()


def corners(weight: Tensor, bias: Tensor, center: Tensor, radius: float) -> Tensor:
    """Points in every region of the disc that the lines Wy + b = 0 cut out: all around each corner, and the centre.

    A region of the disc has a corner where two lines, or a line and the circle, meet, or it is the whole disc.
    """
    offset = -(weight @ center + bias) / weight.norm(dim=1)
    normal = weight / weight.norm(dim=1, keepdim=True)
    along = torch.stack([-normal[:, 1], normal[:, 0]], dim=1)
    chord = (radius**2 - offset**2).clamp_min(0.0).sqrt()
    found = [offset[:, None] * normal + sign * chord[:, None] * along for sign in (-1.0, 1.0)]
    pairs = torch.combinations(torch.arange(len(weight)))
    found += [torch.linalg.solve(normal[pairs], offset[pairs]), torch.zeros(1, 2, dtype=torch.float64)]
    angles = torch.linspace(0.0, 2 * math.pi, 257, dtype=torch.float64)
    around = 1e-7 * radius * torch.stack([angles.cos(), angles.sin()], dim=1)
    points = (torch.cat(found)[:, None, :] + around).flatten(0, 1)
    return center + points[points.norm(dim=1) <= radius]


@pytest.mark.hypothesis  # as much a property: `make test-long` takes more networks
def test_random_networks_have_their_constant_between_the_two_bounds() -> None:
    """On all of a large disc and on a small one; the truth is the largest Jacobian norm of the linear regions there."""
    generator = torch.Generator().manual_seed(0)
    for seed in range(repeats(20, 100)):
        first, second = nn.Linear(2, 5), nn.Linear(5, 2)
        field = AutonomousField(drawn(nn.Sequential(first, nn.ReLU(), second), seed))
        center = torch.randn((1, 2), generator=generator, dtype=torch.float64)
        for radius, upper in (
            (100.0, float(lipschitz_upper_bound(field, input_shape=(2,)))),
            (0.5, float(local(field, center, 0.5))),
        ):
            with torch.no_grad():
                points = corners(first.weight, first.bias, center[0], radius)
                jacobians = second.weight * (first(points) > 0)[:, None, :] @ first.weight
            truth = float(torch.linalg.matrix_norm(jacobians, ord=2).max())
            lower = lipschitz_lower_bound(
                field, center, radius=radius / 2, generator=generator, samples=2, ascent_steps=3, power_iterations=3
            )
            assert float(lower) <= truth * (1 + 1e-9) <= upper * (1 + 2e-9)


def one_dimensional(right: float, left: float) -> nn.Sequential:
    """y -> right·max(y, 0) + left·min(y, 0)."""
    first, second = nn.Linear(1, 2, bias=False), nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        first.weight.copy_(torch.tensor([[1.0], [-1.0]]))
        second.weight.copy_(torch.tensor([[right, -left]]))
    return nn.Sequential(first, nn.ReLU(), second).double()


def test_a_relu_that_cannot_switch_leaves_the_slope_of_its_side_and_one_percent_less_is_caught() -> None:
    module = one_dimensional(3.0, 0.5)
    center = torch.tensor([[2.0], [-2.0], [0.5]], dtype=torch.float64)
    bound = local(module, center, 1.0)
    torch.testing.assert_close(bound[:2], torch.tensor([3.0, 0.5], dtype=torch.float64), rtol=1e-12, atol=0)
    assert 3.0 <= float(bound[2]) <= math.sqrt(2.0 * 9.25) * (1 + 1e-12)
    secants = largest_sampled_secant(module, center, 1.0, torch.Generator().manual_seed(0))
    assert (secants[:2] > 0.99 * bound[:2]).all()


def test_dead_neurons_drop_out_of_the_product() -> None:
    """Neurons with slope 0 on the ball count for nothing, however large their weights."""
    first, second = nn.Linear(2, 4), nn.Linear(4, 2)
    with torch.no_grad():
        first.weight.copy_(torch.cat([torch.eye(2), 100.0 * torch.eye(2)]))
        first.bias.copy_(torch.tensor([0.0, 0.0, -1e4, -1e4]))
        second.weight.copy_(torch.cat([2.0 * torch.eye(2), 100.0 * torch.eye(2)], dim=1))
    module = nn.Sequential(first, nn.ReLU(), second).double()
    center = torch.zeros((1, 2), dtype=torch.float64)
    assert float(local(module, center, 1.0)) == pytest.approx(2.0, rel=1e-9)
    assert float(local(module, center, 1e4)) > 1e4


@given(scale=st.floats(1e-6, 1e6), radius=st.floats(0.0, 1e6), seed=st.integers(0, 2**32 - 1))
def test_linear_fields_have_one_constant_everywhere(scale: float, radius: float, seed: int) -> None:
    matrix = scale * torch.randn((3, 3), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    exact = float(torch.linalg.matrix_norm(matrix, ord=2))
    bound = local(LinearField(matrix), torch.ones((2, 3), dtype=torch.float64), radius)
    assert (exact * (1 - 1e-14) <= bound).all()
    assert (bound <= exact * (1 + 1e-11)).all()
    assert (0.99 * bound < exact).all()


CONVOLUTIONS = [
    (nn.Conv2d(2, 3, 3, padding=1), (2, 4, 5)),
    (nn.Conv2d(2, 3, 3, padding="same"), (2, 4, 4)),
    (nn.Conv2d(2, 3, 3, padding="valid"), (2, 4, 5)),
    (nn.Conv2d(2, 2, (2, 3), stride=2, padding=(1, 0)), (2, 5, 6)),
    (nn.Conv2d(4, 6, 3, padding=2, dilation=2, groups=2), (4, 5, 5)),
    (nn.Conv2d(3, 3, 3, padding=1, groups=3, padding_mode="circular"), (3, 4, 5)),
    (nn.Conv2d(1, 2, 3, stride=2, padding=1, padding_mode="circular", bias=False), (1, 6, 4)),
]


@pytest.mark.parametrize(("layer", "shape"), CONVOLUTIONS, ids=[str(layer) for layer, _ in CONVOLUTIONS])
def test_convolutions_written_out_are_the_convolutions(layer: nn.Conv2d, shape: tuple[int, ...]) -> None:
    drawn(layer, 0)
    matrix = convolution.convolution_matrix(layer, shape)
    assert matrix is not None
    size = math.prod(shape)
    columns = layer(torch.eye(size).double().view(size, *shape)) - layer(torch.zeros(1, *shape).double())
    torch.testing.assert_close(matrix, columns.flatten(1).T, rtol=0, atol=1e-14)
    exact = float(torch.linalg.matrix_norm(matrix, ord=2))
    bound = float(local(layer, torch.ones(1, *shape).double(), 1.0))
    assert exact * (1 - 1e-14) <= bound <= exact * (1 + 1e-9)


def image_network(seed: int) -> nn.Module:
    return drawn(
        nn.Sequential(
            nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU(), nn.Conv2d(2, 1, 3, padding=1), nn.Flatten(),
            nn.Dropout(), nn.Linear(12, 3),
        ),
        seed,
    )  # fmt: skip


@given(seed=st.integers(0, 2**32 - 1), radius=st.floats(0.01, 5.0))
def test_image_networks_with_batch_norm(seed: int, radius: float) -> None:
    module, generator = image_network(seed), torch.Generator().manual_seed(seed)
    center = torch.randn((2, 1, 3, 4), generator=generator, dtype=torch.float64)
    bound = local(module, center, radius)
    assert (largest_sampled_secant(module, center, radius, generator) <= bound * (1 + 1e-9)).all()
    assert (bound <= float(lipschitz_upper_bound(module, input_shape=(1, 3, 4)))).all()


def test_layers_too_large_to_write_out_count_by_their_constant(monkeypatch: pytest.MonkeyPatch) -> None:
    field = drawn(convolutional_field(2, 3), 1)
    center = torch.randn((2, 2, 4, 4), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    everywhere = float(lipschitz_upper_bound(field, input_shape=(2, 4, 4)))
    assert (local(field, center, 0.01) < 0.9 * everywhere).all()
    monkeypatch.setattr(convolution, "DENSE_LIMIT", 100)
    torch.testing.assert_close(
        local(field, center, 0.01), torch.full((2,), everywhere, dtype=torch.float64), rtol=1e-12, atol=0
    )


class Halved(nn.ReLU):
    """A rule for its constant, none for its slopes: an altered activation is none of ReLU's."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        return 0.5 * super().forward(input - 100.0)


def test_layers_known_by_their_constant_alone_multiply_and_hide_where_the_points_are() -> None:
    @layer_lipschitz.register
    def _(layer: Halved, input_shape: tuple[int, ...]) -> float:
        return 0.5

    center = torch.full((1, 1), 200.0, dtype=torch.float64)
    module = nn.Sequential(Halved(), *one_dimensional(3.0, 0.5))
    expected = 0.5 * float(lipschitz_upper_bound(module[1:], input_shape=(1,)))
    assert 1.5 <= float(local(module, center, 1.0)) <= expected * (1 + 1e-12)
    last = nn.Linear(1, 1, bias=False)
    pooled = nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), last).double()
    exact = 0.5 * float(last.weight.detach().abs())
    assert float(local(pooled, torch.ones(1, 1, 2, 2).double(), 1.0)) == pytest.approx(exact, rel=1e-9)


def test_each_sample_has_its_own_radius_and_the_split_of_a_batch_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    module = drawn(nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 3)), 5)
    center = torch.randn((5, 3), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    radii = torch.tensor([0.0, 0.1, 0.5, 2.0, 50.0], dtype=torch.float64)
    together = local(module, center, radii)
    apart = torch.cat([local(module, c[None], float(r)) for c, r in zip(center, radii, strict=True)])
    torch.testing.assert_close(together, apart, rtol=1e-12, atol=0)
    monkeypatch.setattr(stages, "ENTRIES_AT_ONCE", 1)
    torch.testing.assert_close(local(module, center, radii), together, rtol=1e-12, atol=0)


def test_radii_of_any_size_give_a_bound() -> None:
    module = drawn(nn.Sequential(nn.Linear(2, 4), nn.GELU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)), 2)
    center = torch.randn((1, 2), generator=torch.Generator().manual_seed(1)).double()
    everywhere = float(lipschitz_upper_bound(module, input_shape=(2,)))
    for radius in (1e-300, 1e-20, 1e100, 1e308):
        assert 0.0 < float(local(module, center, radius)) <= everywhere


def test_bad_arguments(unchecked: None) -> None:
    module, center = nn.Linear(2, 2), torch.zeros(3, 2)
    for radius in (-0.1, math.inf, math.nan):
        with pytest.raises(ValueError, match="`radius` must be finite"):
            local_lipschitz_upper_bound(module, center, radius)
    with pytest.raises(ValueError, match=re.escape("`radius` must be finite and at least 0, got [1.0, -1.0, 1.0]")):
        local_lipschitz_upper_bound(module, center, torch.tensor([1.0, -1.0, 1.0]))
    with pytest.raises(ValueError, match=re.escape("`radius` must be one number or of shape (3,), got (2,)")):
        local_lipschitz_upper_bound(module, center, torch.ones(2))
    with pytest.raises(TypeError, match=r"`module` must be an nn\.Module, got str"):
        local_lipschitz_upper_bound("net", center, 1.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="`center` must be a floating-point tensor"):
        local_lipschitz_upper_bound(module, torch.zeros(3, 2, dtype=torch.int64), 1.0)
    with pytest.raises(LayerRefusedError, match="layer LocalResponseNorm"):
        local_lipschitz_upper_bound(nn.Sequential(module, nn.LocalResponseNorm(2)), center, 1.0)
