"""Fields in balls: they enclose the exact values, and what has no rule is refused by name."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_theory import AutonomousField, BallRefusedError, LinearField, ball_field, dense_field
from natrob_theory.layers.statements import BallField
from natrob_theory.networks.fixed_step_net import as_module
from natrob_theory.numbers.balls import ball, exact_matrix, matrix, working_precision


def value_of(enclosure: BallField, state: Tensor) -> list[float]:
    return [float(entry) for entry in enclosure(ball(0.0), exact_matrix(state.T)).transpose().entries()]


def test_a_relu_ball_across_zero_becomes_the_hull_of_zero_and_its_upper_end() -> None:
    image = ball_field(nn.ReLU())(ball(0.0), matrix(1, 1, [ball(-1.0).union(ball(2.0))]))[0, 0]
    assert -1e-6 < float(image.lower()) <= 0.0
    assert 2.0 <= float(image.upper()) < 2.001


def exact_relu_network(field: AutonomousField, state: list[Fraction]) -> list[Fraction]:
    """W₂ max(W₁y + b₁, 0) + b₂ in fractions."""
    first, _, second = field.module  # type: ignore[misc]

    def affine(layer: nn.Linear, point: list[Fraction]) -> list[Fraction]:
        rows = zip(layer.weight.tolist(), layer.bias.tolist(), strict=True)
        return [Fraction(b) + sum(Fraction(w) * y for w, y in zip(row, point, strict=True)) for row, b in rows]

    return affine(second, [max(entry, Fraction(0)) for entry in affine(first, state)])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@given(seed=st.integers(0, 2**32 - 1))
def test_a_relu_network_encloses_its_exact_value(dtype: torch.dtype, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    field = dense_field(3, 5).to(dtype)
    for parameter in field.parameters():
        parameter.data.normal_(generator=generator)
    state = torch.randn(2, 3, dtype=dtype, generator=generator)
    for bits in (64, 400):
        with working_precision(bits):
            columns = ball_field(field)(ball(0.0), exact_matrix(state.T)).transpose().tolist()
            for column, sample in zip(columns, state.tolist(), strict=True):
                exact = exact_relu_network(field, [Fraction(entry) for entry in sample])
                for entry, number in zip(column, exact, strict=True):
                    assert (entry - ball(number)).contains(0)
                    assert bits < 400 or entry.is_exact()


def test_fields_and_layers_without_bias() -> None:
    weight = torch.tensor([[1.0, -2.0], [0.5, 4.0]], dtype=torch.float64)
    layer = nn.Linear(2, 2, bias=False).double()
    layer.weight.data = weight
    state = torch.tensor([[1.0, 2.0], [-1.0, 3.0]], dtype=torch.float64)
    expected = (state @ weight.T).flatten().tolist()
    assert value_of(ball_field(LinearField(weight)), state) == expected
    assert value_of(ball_field(layer), state) == expected
    assert value_of(ball_field(AutonomousField(nn.Sequential(layer, nn.Identity()))), state) == expected


def test_a_user_registers_a_field_of_their_own() -> None:
    class Clock(nn.Module):
        pass

    with pytest.raises(BallRefusedError, match=r"known for Clock; register one with natrob_theory\.ball_field"):
        ball_field(Clock())
    ball_field.register(Clock, lambda _field: lambda time, state: state * time)
    state = exact_matrix(torch.tensor([[3.0]]))
    assert float(ball_field(Clock())(ball(0.5), state)[0, 0]) == 1.5


def test_what_computes_something_else_is_refused() -> None:
    class Residual(nn.Sequential):
        def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's own name
            return input + super().forward(input)

    hooked = nn.Linear(2, 2)
    hooked.register_forward_hook(lambda _layer, _inputs, output: None)
    for layer, words in (
        (Residual(nn.ReLU()), "Residual with a forward other than that of Sequential"),
        (nn.Sequential(hooked), "Linear with forward hooks"),
        (nn.Sequential(nn.GELU()), "known for GELU; register"),
        (as_module(torch.sin, argument="field"), "the plain function sin; write it as a module"),
    ):
        with pytest.raises(BallRefusedError, match=words):
            ball_field(layer)
