import re

import pytest
import torch
from torch import Tensor, nn

from natrob_theory import AutonomousField, LinearField, convolutional_field, dense_field
from natrob_theory.fields import evaluate_field, field_name


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_time_comes_as_a_scalar_of_the_states_dtype(dtype: torch.dtype) -> None:
    seen: list[Tensor] = []

    def field(time: Tensor, state: Tensor) -> Tensor:
        seen.append(time)
        return time * state

    value = evaluate_field(field, 0.5, torch.full((2, 3), 4.0, dtype=dtype))
    assert value.tolist() == [[2.0] * 3] * 2
    assert seen[0].shape == ()
    assert seen[0].dtype == dtype


def test_a_field_that_changes_the_shape_is_named() -> None:
    def shrinking(time: Tensor, state: Tensor) -> Tensor:
        return state[:, :1]

    message = "field shrinking must keep the shape of the state (2, 3), got (2, 1)"
    with pytest.raises(ValueError, match=re.escape(message)):
        evaluate_field(shrinking, 0.0, torch.ones(2, 3))
    with pytest.raises(ValueError, match=re.escape("field AutonomousField must keep the shape of the state (2, 3)")):
        evaluate_field(AutonomousField(nn.Linear(3, 4)), 0.0, torch.ones(2, 3))


def test_a_field_that_changes_the_dtype_is_named() -> None:
    def widening(time: Tensor, state: Tensor) -> Tensor:
        return state.double()

    with pytest.raises(TypeError, match=r"field widening must keep the dtype .* torch\.float32, got torch\.float64"):
        evaluate_field(widening, 0.0, torch.ones(2, 3))


def test_a_field_that_returns_no_tensor_is_named(unchecked: None) -> None:
    def listing(time: Tensor, state: Tensor) -> Tensor:
        return state.tolist()  # type: ignore[return-value]

    with pytest.raises(TypeError, match=r"field listing must return a torch\.Tensor, got list"):
        evaluate_field(listing, 0.0, torch.ones(2, 3))


def test_names() -> None:
    class Callable:
        def __call__(self, time: Tensor, state: Tensor) -> Tensor:
            return state

    assert field_name(dense_field(2, 3)) == "AutonomousField"
    assert field_name(evaluate_field) == "evaluate_field"
    assert field_name(Callable()) == "Callable"


def test_linear_field_multiplies_each_sample() -> None:
    field = LinearField(torch.tensor([[0.0, 2.0], [1.0, 0.0]]))
    assert evaluate_field(field, 3.0, torch.tensor([[1.0, 10.0], [0.0, 5.0]])).tolist() == [[20.0, 1.0], [10.0, 0.0]]
    assert [name for name, _ in field.named_parameters()] == ["matrix"]


def test_linear_field_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match=re.escape("`matrix` must be square, got shape (2, 3)")):
        LinearField(torch.ones(2, 3))
    with pytest.raises(ValueError, match=re.escape("`state` must have shape (batch, 2), got (5, 3)")):
        evaluate_field(LinearField(torch.eye(2)), 0.0, torch.ones(5, 3))


def test_dense_field_is_two_layers_without_time() -> None:
    field = dense_field(4, 7, activation=nn.Tanh)
    first, activation, second = field.module.children()
    state = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    expected = second(torch.tanh(first(state)))
    assert isinstance(activation, nn.Tanh)
    assert torch.equal(evaluate_field(field, 0.0, state), expected)
    assert torch.equal(evaluate_field(field, 9.0, state), expected)


@pytest.mark.parametrize("kernel_size", [1, 3, 5])
def test_convolutional_field_keeps_the_image(kernel_size: int) -> None:
    field = convolutional_field(2, 3, kernel_size=kernel_size)
    assert evaluate_field(field, 0.0, torch.ones(2, 2, 6, 5)).shape == (2, 2, 6, 5)


@pytest.mark.parametrize("convolutions", [2, 3, 5])
def test_convolutional_field_has_an_activation_between_convolutions(convolutions: int) -> None:
    field = convolutional_field(2, 3, convolutions=convolutions)
    state = torch.randn(2, 2, 6, 5, generator=torch.Generator().manual_seed(0))
    layers = [module for module in field.modules() if isinstance(module, nn.Conv2d)]
    sizes = [(layer.in_channels, layer.out_channels) for layer in layers]
    assert sizes == [(2, 3), *[(3, 3)] * (convolutions - 2), (3, 2)]
    expected = layers[0](state)
    for layer in layers[1:]:
        expected = layer(torch.relu(expected))
    assert torch.equal(evaluate_field(field, 0.0, state), expected)


def test_fields_refuse_bad_sizes() -> None:
    with pytest.raises(ValueError, match="`convolutions` must be at least 2, got 1"):
        convolutional_field(1, 1, convolutions=1)
    with pytest.raises(ValueError, match="`kernel_size` must be odd, got 2"):
        convolutional_field(1, 1, kernel_size=2)
    with pytest.raises(ValueError, match="`features` must be at least 1, got 0"):
        dense_field(0, 1)
    with pytest.raises(ValueError, match="`hidden` must be at least 1, got -1"):
        dense_field(1, -1)
    with pytest.raises(ValueError, match="`channels` must be at least 1, got 0"):
        convolutional_field(0, 1)
