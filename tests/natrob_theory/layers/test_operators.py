"""Affine maps without matrices: what the contract of layers does not reach."""

import pytest
import torch
from torch import nn

from natrob_theory import LayerRefusedError
from natrob_theory.layers.operators import SelectionOperator
from natrob_theory.layers.questions import layer_operations


@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_zeros_on_one_side_only_are_a_selection_before_the_convolution() -> None:
    layer = nn.Conv2d(2, 3, (4, 3), padding="same").double().requires_grad_(False)
    operations = layer_operations(layer, (2, 5, 6))
    assert operations is not None
    found = image = torch.randn((4, 2, 5, 6), dtype=torch.float64)
    found = found.flatten(1)
    for part in operations:
        found = part.product(found) + part.bias  # type: ignore[union-attr]
    assert isinstance(operations[0], SelectionOperator)
    assert torch.allclose(found, layer(image).flatten(1), atol=1e-12)


def test_an_altered_convolution_is_refused_by_name() -> None:
    layer = nn.Conv2d(1, 1, 3)
    layer.register_forward_hook(lambda *_: None)
    with pytest.raises(LayerRefusedError, match=r"Conv2d.*hooks"):
        layer_operations(layer, (1, 5, 5))


def test_settings_without_a_constant_kernel_are_refused() -> None:
    for layer in (nn.AvgPool2d(2, ceil_mode=True), nn.AvgPool2d(2, divisor_override=3), nn.AdaptiveAvgPool2d(2)):
        with pytest.raises(LayerRefusedError, match="Pool2d"):
            layer_operations(layer, (1, 5, 5))
