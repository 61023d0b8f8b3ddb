"""Boxes hold the images of every sampled point of the ball, and are no wider than they must be where that is known."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_theory.bounds.local.ball_image import (
    Box,
    activation_box,
    activation_value,
    affine_box,
    affine_value,
    around,
)
from natrob_theory.bounds.local.prepared_map import PreparedMap
from natrob_theory.layers.questions import activation_slopes
from natrob_theory.layers.statements import AffineMap

ACTIVATIONS = [
    nn.ReLU(), nn.LeakyReLU(-0.3), nn.Hardtanh(), nn.Tanh(), nn.Sigmoid(), nn.Softsign(), nn.LogSigmoid(),
    nn.Tanhshrink(), nn.ELU(), nn.ELU(-0.5), nn.CELU(2.0), nn.SiLU(), nn.GELU(),
]  # fmt: skip


def sampled(center: Tensor, radius: float, seed: int) -> Tensor:
    """(400, entries) of the ball, half of them on the sphere; the axes' ends among them."""
    generator = torch.Generator().manual_seed(seed)
    offset = torch.randn((400, center.shape[1]), generator=generator, dtype=torch.float64)
    axes = torch.eye(center.shape[1], dtype=torch.float64)
    offset = torch.cat([offset, axes, -axes])
    offset = offset / offset.norm(dim=1, keepdim=True)
    offset[:200] *= torch.rand((200, 1), generator=generator, dtype=torch.float64)
    return center + radius * offset


def holds(box: Box, values: Tensor) -> bool:
    """Whether the box holds these values, up to their own rounding."""
    slack = 1e-13 * (1.0 + values.abs())
    return bool(((box.lower - slack <= values) & (values <= box.upper + slack)).all())


def random_map(outputs: int, inputs: int, seed: int) -> PreparedMap:
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.randn((outputs, inputs), generator=generator, dtype=torch.float64)
    bias = torch.randn(outputs, generator=generator, dtype=torch.float64)
    return prepared(matrix, bias)


def prepared(matrix: Tensor, bias: Tensor) -> PreparedMap:
    return PreparedMap(AffineMap(matrix=matrix, bias=bias, entry_error=0.0, bias_error=torch.zeros_like(bias)))


def ball(center: Tensor, radius: float) -> Box:
    return around(center, torch.full((len(center), 1), radius, dtype=torch.float64))


def after(box: Box, layer: PreparedMap, reach: Tensor) -> Box:
    center, error = affine_value(layer, box.center)
    return affine_box(box, layer, center, reach + error)


def rows(layer: PreparedMap, radius: float) -> Tensor:
    return radius * torch.linalg.vector_norm(layer.matrix, dim=1)[None]


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
@given(center=st.floats(-6, 6), radius=st.floats(1e-3, 6.0))
def test_activations_of_an_interval(activation: nn.Module, center: float, radius: float) -> None:
    point = torch.tensor([[center]], dtype=torch.float64)
    box = ball(point, radius)
    values = activation(torch.linspace(center - radius, center + radius, 501, dtype=torch.float64)[:, None])
    slopes = activation_slopes(activation, box.lower, box.upper)
    moved = activation_box(box, activation, slopes, activation_value(activation, point)[0])
    assert holds(moved, values)
    # A monotone activation takes its extremes at the ends, and the box is no wider.
    if bool((slopes.low >= 0).all()):
        assert float(moved.lower) == pytest.approx(float(values.min()), abs=1e-12)
        assert float(moved.upper) == pytest.approx(float(values.max()), abs=1e-12)


@given(seed=st.integers(0, 2**32 - 1), radius=st.floats(0.0, 10.0), activation=st.sampled_from(ACTIVATIONS))
def test_two_layers_with_an_activation_between(seed: int, radius: float, activation: nn.Module) -> None:
    center = torch.randn((1, 3), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    first, second = random_map(5, 3, seed), random_map(4, 5, seed + 1)
    box = after(ball(center, radius), first, rows(first, radius))
    hidden = sampled(center, radius, seed) @ first.matrix.T + first.bias
    assert holds(box, hidden)
    slopes = activation_slopes(activation, box.lower, box.upper)
    box = activation_box(box, activation, slopes, activation_value(activation, box.center)[0])
    assert holds(box, activation(hidden))
    steepest = torch.maximum(slopes.low.abs(), slopes.high.abs())
    reach = torch.linalg.vector_norm(second.matrix * steepest, dim=1) * radius * torch.linalg.matrix_norm(first.matrix)
    box = after(box, second, reach[None])
    assert holds(box, activation(hidden) @ second.matrix.T + second.bias)


@given(seed=st.integers(0, 2**32 - 1), radius=st.floats(0.01, 10.0))
def test_the_first_layer_is_exact_on_a_ball(seed: int, radius: float) -> None:
    """max (Wx)_j over the ball is (Wc)_j + r‖W_j‖: 1 % less would leave out a point of the ball."""
    center = torch.randn((1, 3), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    layer = random_map(2, 3, seed)
    box = after(ball(center, radius), layer, rows(layer, radius))
    unit = layer.matrix / layer.matrix.norm(dim=1, keepdim=True)
    ends = torch.stack([(center + sign * radius * unit) @ layer.matrix.T + layer.bias for sign in (-1.0, 1.0)])
    torch.testing.assert_close(box.lower[0], ends[0].diagonal(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(box.upper[0], ends[1].diagonal(), rtol=1e-12, atol=1e-12)
    assert (box.lower[0] <= ends[0].diagonal()).all()
    assert (box.upper[0] >= ends[1].diagonal()).all()


def test_rounding_of_large_numbers_that_cancel_is_inside_the_box() -> None:
    """The exact value 0.25 is lost in float64 by 10¹⁷ + 0.25 − 10¹⁷; the box knows it may be."""
    layer = prepared(torch.tensor([[1.0, -1.0]]).double(), torch.zeros(1).double())
    center = torch.tensor([[1e17 + 16.0, 1e17]], dtype=torch.float64)
    box = after(ball(center, 0.0), layer, torch.zeros(1, 1, dtype=torch.float64))
    assert float(box.lower) <= 15.75
    assert float(box.upper) >= 16.25
    assert float(affine_value(layer, center)[1]) >= 0.25


def test_an_activation_that_works_in_place_leaves_the_box_as_it_is() -> None:
    point = torch.tensor([[-2.0, 1.0]], dtype=torch.float64)
    value, error = activation_value(nn.SiLU(inplace=True), point)
    assert point.tolist() == [[-2.0, 1.0]]
    assert torch.equal(value, nn.SiLU()(point))
    assert torch.equal(error, activation_value(nn.SiLU(), point)[1])
