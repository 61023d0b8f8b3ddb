"""Transposed convolutions: the adjoint's norm, matrices, scales behind them."""

import math

import pytest
import torch
from torch import nn

from natrob_theory.layers.questions import layer_lipschitz, layer_pieces, output_shape
from natrob_theory.layers.statements import AffineMap
from tests.natrob_theory.layers.matrices import matrix_of, norm_of

SETTINGS = [
    {"kernel_size": 3, "padding": 1},
    {"kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1, "groups": 2},
    {"kernel_size": 3, "stride": 2, "padding": 2, "dilation": 2, "output_padding": 1},
    {"kernel_size": 3, "dilation": 2, "output_padding": 1, "groups": 2},
    {"kernel_size": 3, "stride": 3, "padding": 5},
    {"kernel_size": 5, "stride": 2, "padding": 2, "output_padding": 1},
]


def size_of(setting: dict[str, int]) -> int:
    return 6 if setting.get("padding") == 5 else 3


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
@pytest.mark.parametrize("kind", [nn.ConvTranspose1d, nn.ConvTranspose2d])
def test_constant_and_matrix_are_those_of_the_layer(kind: type, setting: dict[str, int]) -> None:
    torch.manual_seed(0)
    layer = kind(4, 2, **setting).double()
    shape = (4, *[size_of(setting)] * (layer.weight.dim() - 2))
    matrix = matrix_of(layer, shape)
    assert norm_of(matrix) <= layer_lipschitz(layer, shape) <= 1.8 * norm_of(matrix)
    zeros = torch.zeros((1, *shape), dtype=torch.float64)
    assert output_shape(layer, shape) == tuple(layer(zeros).shape[1:])
    if kind is nn.ConvTranspose2d:
        (piece,) = layer_pieces(layer, shape)
        assert isinstance(piece, AffineMap)
        torch.testing.assert_close(piece.matrix, matrix, rtol=0.0, atol=1e-15)
        torch.testing.assert_close(piece.bias, layer(zeros).flatten().detach(), rtol=0.0, atol=0.0)


def test_windows_that_do_not_overlap_have_the_norm_of_the_weights_as_one_matrix() -> None:
    torch.manual_seed(1)
    layer = nn.ConvTranspose2d(3, 2, (2, 3), stride=(2, 3)).double()
    exact = norm_of(layer.weight.detach().flatten(1))
    assert exact <= layer_lipschitz(layer, (3, 4, 2)) <= exact * (1 + 1e-12)


@pytest.mark.parametrize("groups", [1, 2])
def test_a_batch_norm_behind_is_folded_onto_the_outputs(groups: int) -> None:
    torch.manual_seed(2)
    layer = nn.ConvTranspose2d(4, 6, 2, stride=2, groups=groups).double()
    norm = nn.BatchNorm2d(6).double().eval()
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([3.0, 0.1, -0.2, 0.1, 0.3, 0.2]))
    chain = nn.Sequential(layer, norm)
    exact = norm_of(matrix_of(chain, (4, 3, 3)))
    assert exact <= layer_lipschitz(chain, (4, 3, 3)) <= exact * (1 + 1e-9)


def test_a_sample_of_another_shape_is_refused() -> None:
    layer = nn.ConvTranspose1d(2, 2, 3)
    with pytest.raises(ValueError, match=r"must be \(2, \*sizes\) for layer ConvTranspose1d, got \(3, 4\)"):
        layer_lipschitz(layer, (3, 4))
    assert math.isfinite(layer_lipschitz(layer, (2, 4)))
