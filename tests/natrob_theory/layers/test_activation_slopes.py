"""Slopes of activations on intervals, against dense sampling."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from natrob_theory.layers.answers import activation_slopes
from natrob_theory.layers.refusal import ActivationRefusedError

ACTIVATIONS = [
    nn.Identity(), nn.ReLU(), nn.LeakyReLU(0.2), nn.LeakyReLU(1.5), nn.LeakyReLU(-0.5), nn.Hardtanh(-0.5, 0.7),
    nn.ReLU6(), nn.Tanh(), nn.Sigmoid(), nn.Softsign(), nn.LogSigmoid(), nn.Tanhshrink(), nn.ELU(), nn.ELU(0.5),
    nn.ELU(2.5), nn.ELU(-0.7), nn.CELU(0.5), nn.CELU(3.0), nn.SiLU(), nn.GELU(),
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


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
def test_the_slopes_on_the_whole_line_are_those_of_dense_sampling(activation):
    everything = torch.tensor([torch.inf], dtype=torch.float64)
    slopes = activation_slopes(activation, -everything, everything)
    x = torch.linspace(-60.0, 60.0, 400_001, dtype=torch.float64)
    rounding = 60.0 * 4 * torch.finfo(torch.float64).eps / 3e-4  # of the difference quotients
    secants = activation(x).diff() / x.diff()
    assert float(slopes.low) == pytest.approx(float(secants.min()), abs=1e-3)
    assert float(slopes.high) == pytest.approx(float(secants.max()), abs=1e-3)
    assert float(slopes.low) <= float(secants.min()) + rounding
    assert float(slopes.high) >= float(secants.max()) - rounding


@pytest.mark.parametrize("activation", [nn.SiLU(), nn.GELU()], ids=repr)
def test_the_steepest_slope_is_caught_inside_an_interval_whose_ends_are_less_steep(activation):
    ends = torch.tensor([1.0, -3.0, 1.0, -3.0], dtype=torch.float64)
    others = torch.tensor([3.0, -1.0, 1.1, -2.9], dtype=torch.float64)
    slopes, point = activation_slopes(activation, ends, others), ends.clone().requires_grad_()
    (at_ends,) = torch.autograd.grad(activation(point).sum(), point)
    assert float(slopes.high[0]) > float(at_ends[0]) + 0.01
    assert float(slopes.low[1]) < float(at_ends[1]) - 0.01
    assert float(slopes.high[0] + slopes.low[1]) == pytest.approx(1.0, abs=1e-12)
    assert (slopes.high[2:] - slopes.low[2:] < 0.05).all()


def test_activations_without_finite_slopes_or_of_another_form_are_refused():
    one = torch.ones(1, dtype=torch.float64)
    with pytest.raises(ActivationRefusedError, match="CELU with alpha=-1"):
        activation_slopes(nn.CELU(-1.0), -one, one)
    with pytest.raises(ActivationRefusedError, match="GELU with the tanh approximation"):
        activation_slopes(nn.GELU(approximate="tanh"), -one, one)


def test_an_unknown_activation_is_named():
    one = torch.ones(1, dtype=torch.float64)
    with pytest.raises(ActivationRefusedError, match=r"Softplus.*register"):
        activation_slopes(nn.Softplus(), -one, one)
