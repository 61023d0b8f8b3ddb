"""Lines around activations: valid at every point of the interval, exact where the function is linear between kinks."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_theory import ActivationRefusedError
from natrob_theory.relaxation import sampled_activation
from natrob_theory.relaxation.sampled_activation import SampledActivation, cut_of, kinks_of, sampled

SMOOTH = (
    nn.Tanh(), nn.Sigmoid(), nn.LogSigmoid(), nn.Softplus(), nn.Softplus(beta=3.0), nn.SiLU(), nn.GELU(), nn.Mish(),
    nn.ELU(alpha=0.7), nn.SELU(), nn.CELU(), nn.Softsign(), nn.Tanhshrink(),
)  # fmt: skip
PIECEWISE = (nn.ReLU(), nn.LeakyReLU(0.2), nn.Hardtanh(-0.5, 1.5), nn.ReLU6(), nn.PReLU(init=-0.3))
INTERVALS = ((-3.0, 2.0), (-0.5, 0.25), (1.0, 4.0), (-6.0, -0.5), (0.3, 0.3), (-40.0, 30.0))


def columns(ends: tuple[tuple[float, float], ...]) -> tuple[Tensor, Tensor]:
    low, high = torch.tensor(ends, dtype=torch.float64).T
    return low[None].clone(), high[None].clone()


def worst_excess(activation: nn.Module, samples: SampledActivation, slopes: Tensor) -> float:
    """By how much a line passes the function on the wrong side, over many points."""
    activation = activation.double()
    places = torch.linspace(0.0, 1.0, 2001, dtype=torch.float64)
    left, right = samples.points[0, :, :1], samples.points[0, :, -1:]
    points = (left + (right - left) * places).clamp(left, right)
    with torch.no_grad():
        value = activation(points.clone())
    excess = 0.0
    for row in range(slopes.shape[1]):
        slope = slopes[:, row : row + 1]
        below = slope[0, 0][:, None] * points + samples.lower_intercept(slope)[0, 0][:, None]
        above = slope[0, 0][:, None] * points + samples.upper_intercept(slope)[0, 0][:, None]
        excess = max(excess, float((below - value).max()), float((value - above).max()))
    return excess


def some_slopes(samples: SampledActivation) -> Tensor:
    steps = torch.linspace(0.0, 1.0, 5, dtype=torch.float64)[:, None]
    low, high = samples.slope_low, samples.slope_high
    best = torch.stack(samples.best_slopes(), dim=1)
    return torch.cat([low[:, None] + steps * (high - low)[:, None], best], dim=1)


@pytest.mark.parametrize("activation", [*SMOOTH, *PIECEWISE], ids=repr)
def test_no_line_passes_the_function(activation: nn.Module) -> None:
    samples = sampled(activation.double(), *columns(INTERVALS))
    assert worst_excess(activation, samples, some_slopes(samples)) <= 0.0


@given(start=st.floats(-8, 8), width=st.floats(0, 8), place=st.integers(0, len(SMOOTH) - 1))
@settings(max_examples=20)
def test_no_line_passes_a_smooth_function_on_any_interval(start: float, width: float, place: int) -> None:
    samples = sampled(SMOOTH[place].double(), *columns(((start, start + width),)))
    assert worst_excess(SMOOTH[place], samples, some_slopes(samples)) <= 0.0


def test_lines_without_what_the_slopes_leave_open_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = sampled_activation.activation_slopes

    def flattened(activation: nn.Module, lower: Tensor, upper: Tensor):
        slopes = honest(activation, lower, upper)
        middle = 0.5 * (slopes.low + slopes.high)
        return slopes if lower.dim() < 3 else type(slopes)(middle, middle)

    monkeypatch.setattr(sampled_activation, "activation_slopes", flattened)
    samples = sampled(nn.Tanh().double(), *columns(INTERVALS))
    assert worst_excess(nn.Tanh(), samples, some_slopes(samples)) > 1e-3


def test_the_lines_of_relu_are_the_known_ones() -> None:
    samples = sampled(nn.ReLU(), *columns(((-3.0, 1.0), (-1.0, 3.0))))
    below, above = samples.best_slopes()
    assert torch.equal(below, torch.tensor([[0.0, 1.0]], dtype=torch.float64))
    assert torch.allclose(above, torch.tensor([[0.25, 0.75]], dtype=torch.float64), rtol=1e-12)
    intercepts = samples.upper_intercept(above[:, None])[0, 0]
    assert torch.allclose(intercepts, torch.tensor([0.75, 0.75], dtype=torch.float64), rtol=1e-12)
    assert float(samples.lower_intercept(below[:, None]).abs().max()) < 1e-13


@pytest.mark.parametrize("activation", PIECEWISE, ids=repr)
def test_a_piecewise_linear_function_loses_nothing_between_its_kinks(activation: nn.Module) -> None:
    kinks, linear = kinks_of(activation.double())
    assert linear
    assert samples_needed(activation) == len(kinks) + 2


def samples_needed(activation: nn.Module) -> int:
    return sampled(activation, *columns(INTERVALS)).points.shape[2]


def test_the_lines_of_a_smooth_function_touch_it_nearly() -> None:
    samples = sampled(nn.Tanh(), *columns(((-1.0, 1.0),)))
    steepest = torch.ones((1, 1, 1), dtype=torch.float64)
    exact = 1.0 - float(torch.tanh(torch.ones(())))  # of the line x + b below tanh, at 1
    assert -1.05 * exact <= float(samples.lower_intercept(steepest)) <= -exact


def test_cuts_are_at_kinks_and_at_the_middle_where_there_is_none() -> None:
    low, high = torch.tensor([-1.0, 0.5, -2.0]).double(), torch.tensor([3.0, 1.0, 5.0]).double()
    assert cut_of(nn.ReLU(), low, high).tolist() == [0.0, 0.75, 0.0]
    assert cut_of(nn.Hardtanh(), low, high).tolist() == [1.0, 0.75, 1.0]
    assert cut_of(nn.Tanh(), low, high).tolist() == [1.0, 0.75, 1.5]


def test_an_activation_with_hooks_is_refused() -> None:
    hooked = nn.ReLU()
    hooked.register_forward_hook(lambda *_: None)
    with pytest.raises(ActivationRefusedError, match="ReLU"):
        sampled(hooked, *columns(INTERVALS))
