"""Pad layers: closed forms of their norm, the constant as a bias, convolutions that reflect or repeat their border."""

import math

import pytest
import torch
from torch import nn

from natrob_theory.layers.questions import layer_error, layer_lipschitz, layer_pieces
from natrob_theory.layers.statements import AffineMap
from tests.natrob_theory.layers.matrices import matrix_of, norm_of


@pytest.mark.parametrize(
    ("layer", "shape", "uses"),
    [
        (nn.ZeroPad1d(3), (2, 4), 1),
        (nn.ConstantPad2d((1, 2, 0, 1), 0.5), (2, 3, 3), 1),
        (nn.ConstantPad1d(-1, 7.0), (2, 4), 1),
        (nn.ReplicationPad1d((2, 0)), (2, 4), 3),
        (nn.ReplicationPad2d((1, 2, 3, 0)), (1, 3, 2), 12),
        (nn.ReplicationPad3d(1), (1, 2, 2, 2), 8),
        (nn.ReflectionPad1d(1), (2, 3), 3),
        (nn.ReflectionPad1d((1, 0)), (2, 3), 2),
        (nn.ReflectionPad2d(1), (1, 3, 3), 9),
        (nn.CircularPad2d((1, 2, 0, 3)), (1, 3, 3), 4),
        (nn.CircularPad1d((1, -1)), (1, 4), 2),
    ],
    ids=repr,
)
def test_the_norm_is_the_root_of_the_most_uses(layer: nn.Module, shape: tuple[int, ...], uses: int) -> None:
    constant = layer_lipschitz(layer, shape)
    assert norm_of(matrix_of(layer, shape)) == pytest.approx(math.sqrt(uses), rel=1e-12)
    assert math.sqrt(uses) <= constant <= math.sqrt(uses) * (1 + 1e-15)
    (piece,) = layer_pieces(layer, shape)
    assert isinstance(piece, AffineMap)
    torch.testing.assert_close(piece.matrix, matrix_of(layer, shape), rtol=0.0, atol=0.0)
    zero = layer(torch.zeros((1, *shape), dtype=torch.float64)).flatten()
    torch.testing.assert_close(piece.bias, zero, rtol=0.0, atol=0.0)


def test_only_a_constant_that_is_no_zero_rounds() -> None:
    norm = torch.tensor([1.0, 0.0], dtype=torch.float64)
    assert layer_error(nn.ZeroPad1d(2), (1, 3), norm, 2.0**-24).tolist() == [0.0, 0.0]
    slope, offset = layer_error(nn.ConstantPad1d(2, 0.1), (1, 3), norm, 2.0**-24).tolist()
    stored = 2 * abs(float(torch.tensor(0.1)) - 0.1)  # four places, so √4 times as much
    assert slope == 0.0
    assert stored <= offset < 100 * stored


@pytest.mark.parametrize("mode", ["reflect", "replicate"])
@pytest.mark.parametrize(
    "setting",
    [{"padding": 1}, {"padding": (2, 1), "stride": 2, "groups": 2}, {"padding": "same", "dilation": 2}],
    ids=str,
)
def test_a_convolution_that_repeats_its_border_is_a_pad_layer_and_a_convolution(mode: str, setting: dict) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(2, 4, 3, padding_mode=mode, **setting).double()  # type: ignore[arg-type]
    matrix = matrix_of(layer, (2, 5, 6))
    assert norm_of(matrix) <= layer_lipschitz(layer, (2, 5, 6)) <= 4 * norm_of(matrix)
    pad, kernel = layer_pieces(layer, (2, 5, 6))
    assert isinstance(pad, AffineMap)
    assert isinstance(kernel, AffineMap)
    torch.testing.assert_close(kernel.matrix @ pad.matrix, matrix, rtol=0.0, atol=1e-14)


def test_a_single_tap_behind_repeated_border_pixels_is_bounded_exactly() -> None:
    layer = nn.Conv1d(1, 1, 1, padding=2, padding_mode="replicate", bias=False).double()
    with torch.no_grad():
        layer.weight.fill_(2.0)
    assert 2 * math.sqrt(3) <= layer_lipschitz(layer, (1, 4)) <= 2 * math.sqrt(3) * (1 + 1e-12)


def test_a_sample_with_too_few_axes_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2 axes for ZeroPad2d"):
        layer_lipschitz(nn.ZeroPad2d(1), (3,))
