import pytest
import torch
from torch import Tensor, nn

from natrob_theory import LayerRefusedError, lipschitz_upper_bound
from natrob_theory.layers.questions import chain_of, layer_lipschitz
from natrob_theory.layers.statements import Opaque


class Rescaled(nn.Conv2d):
    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:  # noqa: A002
        return 100.0 * super()._conv_forward(input, weight, bias)


class Called(nn.Sequential):
    def __call__(self, *arguments: object) -> Tensor:
        return super().__call__(*arguments).mul(100.0)


def hooked() -> nn.Module:
    def grow(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        return 100.0 * output

    layer = nn.Linear(4, 4)
    layer.register_forward_hook(grow)
    return layer


def patched() -> nn.Module:
    layer = nn.Linear(4, 4)
    vars(layer)["forward"] = lambda x: 100.0 * x
    return layer


@pytest.mark.parametrize(
    ("layer", "shape"),
    [(Rescaled(2, 2, 3), (2, 8, 8)), (Called(nn.Linear(4, 4)), (4,)), (hooked(), (4,)), (patched(), (4,))],
)
def test_a_layer_that_computes_something_else_is_refused(layer: nn.Module, shape: tuple[int, ...]) -> None:
    with pytest.raises(LayerRefusedError, match=type(layer).__name__):
        lipschitz_upper_bound(layer, input_shape=shape)


@pytest.mark.parametrize("layer", [nn.MaxPool2d(3, 1, 1), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1)])
def test_pooling_needs_a_channel_axis(layer: nn.Module) -> None:
    with pytest.raises(ValueError, match=r"channel axis and 2 more .* got \(8, 8\)"):
        lipschitz_upper_bound(layer, input_shape=(8, 8))


def test_a_negative_celu_is_refused() -> None:
    with pytest.raises(LayerRefusedError, match="alpha=-1"):
        lipschitz_upper_bound(nn.CELU(-1.0), input_shape=(4,))
    assert float(lipschitz_upper_bound(nn.CELU(2.0), input_shape=(4,))) == 1.0


def test_a_linear_layer_of_another_width_is_named() -> None:
    with pytest.raises(ValueError, match=r"must end in 4 .* got \(7,\)"):
        lipschitz_upper_bound(nn.Linear(4, 4), input_shape=(7,))


def test_max_pooling_windows_that_overlap_count() -> None:
    image = torch.zeros(1, 1, 5, 5)
    peak = image.clone()
    peak[0, 0, 2, 2] = 1.0
    layer = nn.MaxPool2d(3, 1, 1)
    measured = float((layer(peak) - layer(image)).norm())
    assert measured == pytest.approx(3.0)
    assert float(lipschitz_upper_bound(layer, input_shape=(1, 5, 5))) >= measured


def test_the_pieces_of_a_circular_convolution_that_wraps_twice_are_refused() -> None:
    layer = nn.Conv2d(1, 1, 3, padding=2, padding_mode="circular").double()
    with pytest.raises(LayerRefusedError, match="wraps more than once"):
        chain_of(layer, (1, 3, 3))


class Doubled(nn.Conv2d):
    """Its forward is that of its base, what the forward calls is not."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:  # noqa: A002
        return 2.0 * super()._conv_forward(input, weight, bias)


def test_one_registered_answer_does_not_bring_those_of_a_base_that_computes_something_else() -> None:
    layer_lipschitz.register(Doubled, lambda _layer, _shape: 50.0)
    layer = Doubled(1, 1, 3).double()
    (piece,) = chain_of(layer, (1, 4, 4))
    assert isinstance(piece, Opaque)
    assert piece.lipschitz == 50.0
