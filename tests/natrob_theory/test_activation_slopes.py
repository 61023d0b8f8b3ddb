"""Slopes of activations on intervals, against dense sampling."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from natrob_theory.activation_slopes import ActivationRefusedError, activation_slopes

ACTIVATIONS = [
    nn.Identity(), nn.ReLU(), nn.LeakyReLU(0.2), nn.LeakyReLU(1.5), nn.LeakyReLU(-0.5), nn.Hardtanh(-0.5, 0.7),
    nn.ReLU6(), nn.Tanh(), nn.Sigmoid(),
]  # fmt: skip


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
@given(ends=st.tuples(st.floats(-8, 8), st.floats(-8, 8)))
def test_every_sampled_secant_lies_between_the_slopes(activation, ends):
    lower, upper = (torch.tensor([end], dtype=torch.float64) for end in sorted(ends))
    slopes = activation_slopes(activation, lower, upper)
    x = torch.linspace(float(lower), float(upper), 41, dtype=torch.float64)
    if float(upper - lower) > 1e-3:
        secants = activation(x).diff() / x.diff()
        assert float(slopes.low) <= float(secants.min()) + 1e-11
        assert float(slopes.high) >= float(secants.max()) - 1e-11


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
def test_the_slopes_on_the_whole_line_and_on_short_intervals_are_attained(activation):
    point = torch.tensor([-2.0, -0.3, 0.4, 0.6, 3.0], dtype=torch.float64, requires_grad=True)
    (exact,) = torch.autograd.grad(activation(point).sum(), point)
    slopes = activation_slopes(activation, point.detach() - 1e-9, point.detach() + 1e-9)
    torch.testing.assert_close(slopes.low, exact, rtol=0, atol=1e-8)
    torch.testing.assert_close(slopes.high, exact, rtol=0, atol=1e-8)


def test_the_relu_slope_on_the_whole_line_is_between_0_and_1():
    everything = torch.tensor([torch.inf], dtype=torch.float64)
    assert activation_slopes(nn.ReLU(), -everything, everything) == (torch.zeros(1), torch.ones(1))
    assert activation_slopes(nn.Tanh(), -everything, everything) == (torch.zeros(1), torch.ones(1))


def test_an_unknown_activation_is_named():
    one = torch.ones(1, dtype=torch.float64)
    with pytest.raises(ActivationRefusedError, match=r"Softplus.*register"):
        activation_slopes(nn.Softplus(), -one, one)
