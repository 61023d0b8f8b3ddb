"""What surprises in torchode and torchdiffeq (reports/peers.md, findings/) does not happen in natrob's solver."""

import itertools
import math

import pytest
import torch
from torch import Tensor, nn

from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    FEHLBERG45,
    ButcherTableau,
    IntegrationWarning,
    NeuralODE,
)
from natrob_theory.adaptive import SolveStatus
from natrob_theory.networks.neural_ode import Gradients

PAIRS = (DOPRI5, FEHLBERG45, BOGACKI_SHAMPINE)
TOLERANCES = (1e-1, 1e-2, 1e-3, 1e-6, 1e-9)


def allowed_error(tableau: ButcherTableau, tolerance: float) -> float:
    """Ten tolerances; Fehlberg's pair carries on the lower order, so that its error falls like the power 4/5."""
    return 10 * tolerance ** (0.8 if tableau is FEHLBERG45 else 1.0)


def decay(_time: Tensor, state: Tensor) -> Tensor:
    return -state


@pytest.mark.parametrize("failing", [1e-4, 1e-2])
def test_unfinished_neighbours_of_a_failed_sample_go_on_to_the_end(failing: float) -> None:
    """y′ = −√y empties at t = 2√y(0), and is NaN thereafter; torchode stops the others there and says success."""
    net = NeuralODE(lambda _t, y: -y.sqrt(), 2.0, rtol=1e-6, atol=1e-6, on_failure="warn")
    y0 = torch.tensor([[failing], [4.0], [9.0]], dtype=torch.float64)
    with pytest.warns(IntegrationWarning, match="1 of 3 samples stopped"):
        end = net(y0)
    record = net.last_solve
    assert record is not None
    assert record.status[0] is not SolveStatus.REACHED_END
    assert record.status[1:] == (SolveStatus.REACHED_END,) * 2
    assert math.isnan(float(end[0]))
    assert end[1:].flatten().tolist() == pytest.approx([1.0, 4.0], abs=1e-5)
    assert torch.equal(end[1:], net(y0[1:]))


@pytest.mark.parametrize("tolerance", TOLERANCES)
@pytest.mark.parametrize("tableau", PAIRS, ids=lambda tableau: tableau.name)
def test_a_decay_does_not_grow(tableau: ButcherTableau, tolerance: float) -> None:
    """torchdiffeq's fehlberg2 reaches 90,000 on the way to t = 30 at tolerance 1e-2."""
    net = NeuralODE(decay, 100.0, rtol=tolerance, atol=tolerance, tableau=tableau)
    trajectory = net.trajectory(torch.ones(1, 1, dtype=torch.float64))
    sizes = trajectory.states.detach().abs().flatten()
    assert float(sizes.max()) == 1.0
    exact = torch.exp(-trajectory.times).flatten()
    assert float((trajectory.states.detach().flatten() - exact).abs().max()) <= allowed_error(tableau, tolerance)


@pytest.mark.parametrize("end_time", [0.3, 1.0, 30.0])
@pytest.mark.parametrize("tableau", PAIRS, ids=lambda tableau: tableau.name)
def test_the_field_is_never_asked_beyond_the_end_time(tableau: ButcherTableau, end_time: float) -> None:
    """torchdiffeq asks for f at t = 1.26 where T = 1, and interpolates."""
    asked: list[float] = []

    def field(time: Tensor, state: Tensor) -> Tensor:
        asked.extend(time.tolist())
        return -state

    NeuralODE(field, end_time, tableau=tableau)(torch.ones(1, 1, dtype=torch.float64))
    assert max(asked) <= end_time


@pytest.mark.parametrize("tableau", PAIRS, ids=lambda tableau: tableau.name)
def test_the_error_at_the_end_time_is_of_the_size_of_the_tolerance_everywhere(tableau: ButcherTableau) -> None:
    """torchdiffeq's dopri8 errs by 400 tolerances at the end time: its value there is interpolated."""
    matrix = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)
    y0 = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    for end_time, tolerance in itertools.product((0.7, 1.0, 2.2, 3.0), (1e-5, 1e-7)):
        end = NeuralODE(lambda _t, y: y @ matrix.mT, end_time, rtol=tolerance, atol=tolerance, tableau=tableau)(y0)
        exact = torch.tensor([[math.cos(end_time), -math.sin(end_time)]], dtype=torch.float64)
        assert float((end - exact).norm()) <= allowed_error(tableau, tolerance)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-3, 1e-5, 1e-7, 1e-9])
def test_bfloat16_is_integrated_to_its_own_precision_or_refused(tolerance: float) -> None:
    """torchdiffeq's odeint returns 0.996 of y′ = −y at t = 1 with its own tolerances: hardly more than the start."""
    net = NeuralODE(decay, 1.0, rtol=tolerance, atol=tolerance)
    y0 = torch.ones(2, 1, dtype=torch.bfloat16)
    if tolerance < 2.0**-9:
        with pytest.raises(ValueError, match=r"`rtol` must be at least .* states of torch\.bfloat16"):
            net(y0)
    else:
        assert net(y0).float().flatten().tolist() == pytest.approx([math.exp(-1.0)] * 2, rel=2.0**-6)


@pytest.mark.parametrize("gradients", ["direct", "checkpointed", "adjoint"])
def test_an_inputs_gradient_pays_for_no_other(gradients: Gradients) -> None:
    """torchdiffeq's adjoint takes 38 field calls instead of 26 where the parameters, too, could have a gradient."""
    calls = 0
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(16, 64), nn.Tanh(), nn.Linear(64, 16))

    def field(_time: Tensor, state: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return layers(state)

    net = NeuralODE(field, 5.0, rtol=1e-4, atol=1e-4, gradients=gradients)
    x = torch.randn(32, 16, requires_grad=True)
    net(x.detach())  # the first pass looks at what the field is

    def cost() -> tuple[int, Tensor]:
        nonlocal calls
        end = net(x).square().sum()
        calls = 0
        (found,) = torch.autograd.grad(end, x)
        return calls, found

    trainable, first = cost()
    layers.requires_grad_(False)
    frozen, second = cost()
    assert trainable == frozen
    torch.testing.assert_close(first, second, rtol=0.0, atol=0.0)
