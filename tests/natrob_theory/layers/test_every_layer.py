"""Every kind of layer that natrob describes, under the contract of layers."""

from collections.abc import Iterator
from typing import ClassVar

import pytest
import torch
from layer_contract import LayerContract
from torch import nn

from natrob_theory.layers.answers import described_kinds


class TestActivations(LayerContract):
    layers = (
        nn.Identity(), nn.ReLU(), nn.LeakyReLU(0.2), nn.LeakyReLU(1.5), nn.LeakyReLU(-0.5), nn.Hardtanh(-0.5, 0.7),
        nn.ReLU6(), nn.Tanh(), nn.Sigmoid(), nn.Softsign(), nn.LogSigmoid(), nn.Tanhshrink(), nn.ELU(), nn.ELU(0.5),
        nn.ELU(2.5), nn.ELU(-0.7), nn.CELU(0.5), nn.CELU(3.0), nn.SiLU(), nn.GELU(), nn.Mish(), nn.SELU(),
        nn.Softplus(), nn.Softplus(beta=2.5, threshold=40.0), nn.PReLU(), nn.PReLU(init=-1.5),
    )  # fmt: skip
    input_shape = (6,)


class TestLinear(LayerContract):
    layers = (nn.Linear(5, 5), nn.Linear(5, 3, bias=False))
    input_shape = (5,)


class TestLinearOverTheLastAxis(LayerContract):
    layers = (nn.Linear(4, 3),)
    input_shape = (2, 4)


class TestConvolutions(LayerContract):
    layers = (
        nn.Conv2d(4, 3, 3, padding=1),
        nn.Conv2d(4, 4, 3, padding=1, stride=2, groups=2),
        nn.Conv2d(4, 2, 3, padding=2, dilation=2, bias=False),
        nn.Conv2d(4, 2, 3, padding=1, padding_mode="circular"),
        nn.Conv2d(4, 2, 3, padding="same", dilation=2),
    )
    input_shape = (4, 6, 5)


class TestConvolutionsThatRepeatTheirBorder(LayerContract):
    layers = (
        nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(2, 2, 3, padding=(2, 1), stride=2, groups=2, padding_mode="replicate"),
    )
    input_shape = (2, 5, 4)
    above_rows: ClassVar = {"Linf": 3.0, "L1": 3.0}  # taps that meet one pixel are summed by size


class TestTransposedConvolutions(LayerContract):
    layers = (
        nn.ConvTranspose2d(4, 3, 3, padding=1),
        nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1, output_padding=1, groups=2),
        nn.ConvTranspose2d(4, 2, (2, 3), dilation=2, bias=False),
        lambda: nn.Sequential(nn.ConvTranspose2d(4, 2, 2, stride=2), running(nn.BatchNorm2d(2)), nn.ReLU()),
    )
    input_shape = (4, 3, 2)


class TestTransposedConvolutionsOfOneAxis(LayerContract):
    layers = (nn.ConvTranspose1d(2, 3, 3, padding=1, stride=2),)
    input_shape = (2, 4)


class TestTransposedConvolutionsOfThreeAxes(LayerContract):
    layers = (nn.ConvTranspose3d(1, 2, 2, stride=2),)
    input_shape = (1, 2, 2, 2)


class TestPadding(LayerContract):
    layers = (
        nn.ZeroPad2d(1),
        nn.ConstantPad2d((1, 2, 0, -1), 0.5),
        nn.ReflectionPad2d(1),
        nn.ReplicationPad2d((0, 2, 1, -1)),
        nn.CircularPad2d((1, 2, 0, 3)),
    )
    input_shape = (2, 3, 3)


class TestPaddingOfOneAxis(LayerContract):
    layers = (nn.ConstantPad1d(2, 0.1), nn.ReflectionPad1d(2), nn.ReplicationPad1d(2), nn.CircularPad1d((1, 2)))
    input_shape = (2, 4)


class TestPaddingOfThreeAxes(LayerContract):
    layers = (nn.ConstantPad3d(1, -1.0), nn.ReflectionPad3d(1), nn.ReplicationPad3d(1), nn.CircularPad3d(1))
    input_shape = (1, 2, 3, 2)


class TestConvolutionsOfOneAxis(LayerContract):
    layers = (nn.Conv1d(2, 3, 3, padding=1, stride=2),)
    input_shape = (2, 7)


class TestConvolutionsOfThreeAxes(LayerContract):
    layers = (nn.Conv3d(1, 2, 3, padding=1),)
    input_shape = (1, 3, 4, 3)


class TestPooling(LayerContract):
    layers = (
        nn.AvgPool2d(2),
        nn.AvgPool2d(3, stride=1),
        nn.AvgPool2d(3, stride=2, padding=1),
        nn.AdaptiveAvgPool2d((2, None)),
        nn.AdaptiveAvgPool2d(1),
        nn.MaxPool2d(2),
        nn.MaxPool2d(3, stride=1, padding=1),
        nn.MaxPool2d((3, 2), stride=2, padding=(1, 0), dilation=(1, 2), ceil_mode=True),
    )
    input_shape = (2, 4, 6)


class TestPoolingOfOneAxis(LayerContract):
    layers = (nn.AvgPool1d(3), nn.AdaptiveAvgPool1d(3), nn.MaxPool1d(3, stride=2))
    input_shape = (2, 9)


class TestPoolingOfThreeAxes(LayerContract):
    layers = (nn.AvgPool3d(2),)
    input_shape = (1, 4, 2, 4)


def running(norm: nn.Module) -> nn.Module:
    """A batch norm that has seen data."""
    with torch.no_grad():
        for name, tensor in (*norm.named_buffers(), *norm.named_parameters()):
            if tensor.is_floating_point():
                tensor.copy_(torch.rand_like(tensor) + (0.2 if name != "bias" else -0.5))
    return norm


class TestBatchNorm(LayerContract):
    layers = (lambda: running(nn.BatchNorm1d(5)), lambda: running(nn.BatchNorm1d(5, affine=False)))
    input_shape = (5,)


class TestBatchNormOfImages(LayerContract):
    layers = (
        lambda: running(nn.BatchNorm2d(3)),
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), running(nn.BatchNorm2d(4)), nn.Tanh()),
    )
    input_shape = (3, 4, 4)


class TestBatchNormOfVolumes(LayerContract):
    layers = (lambda: running(nn.BatchNorm3d(2)),)
    input_shape = (2, 2, 3, 2)


class TestGroupNorms(LayerContract):
    layers = (
        lambda: running(nn.GroupNorm(2, 4)),
        lambda: running(nn.InstanceNorm2d(4, affine=True)),
        lambda: running(nn.LayerNorm([3, 2], eps=0.1)),
        nn.LayerNorm(2, elementwise_affine=False),
    )
    input_shape = (4, 3, 2)


class TestNormsOfSequences(LayerContract):
    layers = (nn.LayerNorm(5), nn.InstanceNorm1d(3))
    input_shape = (3, 5)


class TestNormsOfVolumes(LayerContract):
    layers = (nn.InstanceNorm3d(2),)
    input_shape = (2, 2, 3, 2)


class TestProbabilities(LayerContract):
    layers = (nn.Softmax(dim=1), nn.Softmin(dim=-1), nn.Softmax2d(), nn.PReLU(3, init=2.0))
    input_shape = (3, 2, 4)


class TestShapes(LayerContract):
    layers = (nn.Flatten(), nn.PixelShuffle(2), nn.PixelUnshuffle(2), nn.Dropout2d())
    input_shape = (4, 2, 4)


class TestShapesOfVectors(LayerContract):
    layers = (nn.Unflatten(1, (2, 3)), nn.Dropout())
    input_shape = (6,)


class TestShapesOfSequences(LayerContract):
    layers = (nn.Dropout1d(),)
    input_shape = (2, 4)


class TestChains(LayerContract):
    layers = (
        nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 4)),
        nn.Sequential(nn.Linear(4, 8), nn.Sequential(nn.ReLU(), nn.Linear(8, 3)), nn.SiLU()),
        nn.Sequential(nn.Linear(4, 16), nn.Unflatten(1, (4, 2, 2)), nn.MaxPool2d(2), nn.Flatten()),
    )
    input_shape = (4,)


def kinds_under_contract() -> Iterator[type]:
    for contract in LayerContract.__subclasses__():
        for layer in contract.layers:
            module = layer if isinstance(layer, nn.Module) else layer()
            for part in module.modules():
                yield from type(part).__mro__


@pytest.mark.parametrize("kind", [k for k in described_kinds() if k.__module__.startswith("torch.nn")], ids=str)
def test_every_described_kind_is_under_the_contract(kind: type) -> None:
    assert kind in set(kinds_under_contract())
