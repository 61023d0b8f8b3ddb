"""Boxes hold the images of every sampled point of the ball, and are no wider than they must be where that is known."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_theory.bounds.local.ball_image import BallImage, activation_image, affine_image, ball
from natrob_theory.layers.answers import activation_slopes
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


def holds(image: BallImage, values: Tensor) -> bool:
    """Whether the box holds these values, up to their own rounding."""
    slack = 1e-13 * (1.0 + values.abs())
    return bool(((image.lower - slack <= values) & (values <= image.upper + slack)).all())


def random_map(outputs: int, inputs: int, seed: int) -> AffineMap:
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.randn((outputs, inputs), generator=generator, dtype=torch.float64)
    bias = torch.randn(outputs, generator=generator, dtype=torch.float64)
    return AffineMap(matrix=matrix, bias=bias, entry_error=0.0, bias_error=torch.zeros_like(bias))


def after(image: BallImage, layer: AffineMap, radius: float) -> BallImage:
    return affine_image(image, layer, radius * torch.linalg.vector_norm(layer.matrix, dim=1)[None])


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
@given(center=st.floats(-6, 6), radius=st.floats(1e-3, 6.0))
def test_activations_of_an_interval(activation: nn.Module, center: float, radius: float) -> None:
    point = torch.tensor([[center]], dtype=torch.float64)
    image = ball(point, torch.tensor([radius], dtype=torch.float64))
    values = activation(torch.linspace(center - radius, center + radius, 501, dtype=torch.float64)[:, None])
    moved = activation_image(image, activation, activation_slopes(activation, image.lower, image.upper))
    assert holds(moved, values)
    # A monotone activation takes its extremes at the ends, and the box is no wider.
    slopes = activation_slopes(activation, image.lower, image.upper)
    if bool((slopes.low >= 0).all()):
        assert float(moved.lower) == pytest.approx(float(values.min()), abs=1e-12)
        assert float(moved.upper) == pytest.approx(float(values.max()), abs=1e-12)


@given(seed=st.integers(0, 2**32 - 1), radius=st.floats(0.0, 10.0), activation=st.sampled_from(ACTIVATIONS))
def test_two_layers_with_an_activation_between(seed: int, radius: float, activation: nn.Module) -> None:
    center = torch.randn((1, 3), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    first, second = random_map(5, 3, seed), random_map(4, 5, seed + 1)
    image = after(ball(center, torch.tensor([radius], dtype=torch.float64)), first, radius)
    hidden = sampled(center, radius, seed) @ first.matrix.T + first.bias
    assert holds(image, hidden)
    slopes = activation_slopes(activation, image.lower, image.upper)
    image = activation_image(image, activation, slopes)
    assert holds(image, activation(hidden))
    steepest = torch.maximum(slopes.low.abs(), slopes.high.abs())
    reach = torch.linalg.vector_norm(second.matrix * steepest, dim=1) * radius * torch.linalg.matrix_norm(first.matrix)
    image = affine_image(image, second, reach[None])
    assert holds(image, activation(hidden) @ second.matrix.T + second.bias)
    assert float(image.drift) < 1e-10


@given(seed=st.integers(0, 2**32 - 1), radius=st.floats(0.01, 10.0))
def test_the_first_layer_is_exact_on_a_ball(seed: int, radius: float) -> None:
    """max (Wx)_j over the ball is (Wc)_j + r‖W_j‖: 1 % less would leave out a point of the ball."""
    center = torch.randn((1, 3), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    layer = random_map(2, 3, seed)
    image = after(ball(center, torch.tensor([radius], dtype=torch.float64)), layer, radius)
    rows = layer.matrix / layer.matrix.norm(dim=1, keepdim=True)
    ends = torch.stack([(center + sign * radius * rows) @ layer.matrix.T + layer.bias for sign in (-1.0, 1.0)])
    torch.testing.assert_close(image.lower[0], ends[0].diagonal(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(image.upper[0], ends[1].diagonal(), rtol=1e-12, atol=1e-12)
    assert (image.lower[0] <= ends[0].diagonal()).all()
    assert (image.upper[0] >= ends[1].diagonal()).all()


def test_rounding_of_large_numbers_that_cancel_is_inside_the_box() -> None:
    """The exact value 0.25 is lost in float64 by 10¹⁷ + 0.25 − 10¹⁷; the box knows it may be."""
    layer = random_map(1, 2, 0)
    layer.matrix.copy_(torch.tensor([[1.0, -1.0]]))
    layer.bias.zero_()
    center = torch.tensor([[1e17 + 16.0, 1e17]], dtype=torch.float64)
    image = after(ball(center, torch.zeros(1, dtype=torch.float64)), layer, 0.0)
    assert float(image.lower) <= 15.75
    assert float(image.upper) >= 16.25
    assert float(image.drift) >= 0.25
