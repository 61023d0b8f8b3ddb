"""Slopes of activations on intervals, against dense sampling."""

import pytest
import torch
from torch import nn

from natrob_theory.layers.questions import activation_slopes
from natrob_theory.layers.refusal import ActivationRefusedError


def test_the_relu_slope_on_the_whole_line_is_between_0_and_1():
    everything = torch.tensor([torch.inf], dtype=torch.float64)
    assert activation_slopes(nn.ReLU(), -everything, everything) == (torch.zeros(1), torch.ones(1))
    assert activation_slopes(nn.Tanh(), -everything, everything) == (torch.zeros(1), torch.ones(1))


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


class Unknown(nn.Module):
    """An activation that nothing is known of."""


def test_an_unknown_activation_is_named():
    one = torch.ones(1, dtype=torch.float64)
    with pytest.raises(ActivationRefusedError, match=r"Unknown.*register"):
        activation_slopes(Unknown(), -one, one)
