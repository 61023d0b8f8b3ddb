"""Neural ODEs backward in time: grids, bounds, failures and gradients."""

import math
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    FEHLBERG45,
    ButcherTableau,
    EulerNet,
    IntegrationError,
    LinearField,
    NeuralODE,
    RungeKuttaStepper,
    broadcast_time,
    check_affine_bound,
    check_bound,
)

PAIRS = [DOPRI5, FEHLBERG45, BOGACKI_SHAMPINE]


def wave(time: Tensor, state: Tensor) -> Tensor:
    return torch.cos(3 * broadcast_time(time, state)) * torch.sin(state) - 0.5 * state


def start(batch: int = 4) -> Tensor:
    return torch.randn(batch, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("tableau", PAIRS, ids=lambda tableau: tableau.name)
def test_there_and_back_again(tableau: ButcherTableau) -> None:
    there = NeuralODE(wave, 2.0, rtol=1e-10, atol=1e-10, tableau=tableau)
    back = NeuralODE(wave, 0.0, start_time=2.0, rtol=1e-10, atol=1e-10, tableau=tableau)
    torch.testing.assert_close(back(there(start())), start(), rtol=1e-6, atol=1e-6)
    record = back.last_solve
    assert record is not None
    assert record.times[0].tolist() == [2.0] * 4
    assert record.times[-1].tolist() == [0.0] * 4
    assert bool((record.times.diff(dim=0) <= 0).all())


@pytest.mark.parametrize("tableau", PAIRS, ids=lambda tableau: tableau.name)
def test_it_is_the_solve_of_the_mirrored_field(tableau: ButcherTableau) -> None:
    """With s = −t the same steps forward, bit for bit."""
    mirrored = NeuralODE(lambda s, y: -wave(-s, y), 2.0, start_time=-1.0, tableau=tableau)
    backward = NeuralODE(wave, -2.0, start_time=1.0, tableau=tableau)
    assert torch.equal(backward(start()), mirrored(start()))
    assert backward.last_solve is not None
    assert mirrored.last_solve is not None
    assert torch.equal(backward.last_solve.times, -mirrored.last_solve.times)
    assert backward.last_solve.status == mirrored.last_solve.status
    assert torch.equal(backward.last_solve.evaluations, mirrored.last_solve.evaluations)


def test_growth_bounds_take_the_sizes_of_the_steps() -> None:
    net = NeuralODE(wave, 0.0, start_time=2.0)
    net(start())
    assert net.last_solve is not None
    bound = net.growth_bound(1.5).value
    assert isinstance(bound, Tensor)
    for sample, grid in enumerate(net.last_solve.times.T.diff(dim=1).tolist()):
        factors = [RungeKuttaStepper(DOPRI5).growth_factor(step_size=-step, lipschitz=1.5) for step in grid if step < 0]
        assert float(bound[sample]) == pytest.approx(math.prod(factors), rel=1e-12)
    with pytest.raises(ValueError, match="steps must go forward in time for a bound from more than K"):
        net.growth_bound(1.5, one_sided=0.1)


@pytest.mark.parametrize("arithmetic", ["float", "ball"])
def test_bounds_hold_and_are_tight_backward(arithmetic: Literal["float", "ball"]) -> None:
    """y′ = −2y grows backward by the method's own factor at hK, which K = 2 gives and a smaller K does not."""
    if arithmetic == "ball":
        pytest.importorskip("flint")
    net = NeuralODE(
        LinearField(-2.0 * torch.eye(2, dtype=torch.float64)), 0.0, start_time=1.0, tableau=BOGACKI_SHAMPINE
    )
    y0 = start()[:1, :2]
    perturbation = torch.full_like(y0, 1e-3)
    check = check_bound(net, y0, perturbation, lipschitz=2.0 + 1e-9, arithmetic=arithmetic)
    assert check.all_hold
    assert float(check.worst_ratio) > 0.99
    if arithmetic == "float":
        assert bool((check.allowance[1:] > 0).all())
    false = check_bound(net, y0, perturbation, lipschitz=1.9, arithmetic=arithmetic)
    assert not false.all_hold
    with pytest.raises(ValueError, match="steps must go forward in time"):
        check_bound(net, y0, perturbation, lipschitz=2.0, one_sided=-1.0, arithmetic=arithmetic)


def test_the_affine_bound_covers_a_backward_pair() -> None:
    net = NeuralODE(wave, 0.0, start_time=1.0, rtol=1e-4, atol=1e-4)
    check = check_affine_bound(net, start(), torch.full((4, 3), 1e-3, dtype=torch.float64), lipschitz=1.5)
    assert bool(check.covered.all())
    assert float(torch.as_tensor(check.exact_flow.value).max()) == pytest.approx(math.exp(1.5) * 1e-3 * 3**0.5)
    with pytest.raises(ValueError, match="steps must go forward in time"):
        check_affine_bound(net, start(), 1e-3 * start(), lipschitz=1.5, one_sided=0.2)


def test_a_failure_tells_where_the_first_sample_stopped() -> None:
    """Backward in time the first to stop is the one at the largest t: poles at 0.9 and 0.5."""
    net = NeuralODE(lambda _t, y: -(y**2), 0.0, start_time=1.0)
    with pytest.raises(IntegrationError, match=r"2 of 2 samples stopped before end_time = 0, the first at t = 0\.9"):
        net(torch.tensor([[2.0], [10.0]], dtype=torch.float64))


class Rate(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rate = nn.Parameter(torch.tensor(0.7, dtype=torch.float64))

    def forward(self, _time: Tensor, state: Tensor) -> Tensor:
        return -self.rate * state


@pytest.mark.parametrize("gradients", ["direct", "checkpointed", "adjoint"])
@pytest.mark.parametrize("jump_times", [(), (0.3, 1.1)])
def test_gradients_backward_in_time(
    gradients: Literal["direct", "checkpointed", "adjoint"], jump_times: tuple[float, ...]
) -> None:
    """y(0) = y(2)e^{2r}: dy(0)/dy(2) = e^{2r}, dy(0)/dr = 2y(0)."""
    field = Rate()
    net = NeuralODE(field, 0.0, start_time=2.0, rtol=1e-9, atol=1e-9, gradients=gradients, jump_times=jump_times)
    y0 = torch.tensor([[1.0], [-0.5]], dtype=torch.float64, requires_grad=True)
    final = net(y0)
    by_state, by_rate = torch.autograd.grad(final[0, 0] + 3 * final[1, 0], (y0, field.rate))
    growth = math.exp(1.4)
    assert by_state.flatten().tolist() == pytest.approx([growth, 3 * growth], rel=1e-6)
    assert float(by_rate) == pytest.approx(2 * growth * (1.0 - 1.5), rel=1e-6)


def test_fixed_step_networks_go_forward_only() -> None:
    with pytest.raises(ValueError, match=r"`step_size` must be greater than 0, got -0\.1"):
        EulerNet(wave, -0.1, 10)
