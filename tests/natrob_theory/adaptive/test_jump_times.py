"""Fields that jump in time: steps end at the jumps, and each sees the branch inside it."""

from collections.abc import Callable
from typing import Literal

import pytest
import torch
from torch import Tensor

from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    FEHLBERG45,
    ButcherTableau,
    NeuralODE,
    broadcast_time,
    check_bound,
    measure_divergence,
)
from natrob_theory.adaptive import FieldBetweenJumps, field_in_step

PAIRS = [DOPRI5, FEHLBERG45, BOGACKI_SHAMPINE]
JUMPS = (5.0, 5.01)


def pulse(*, closed_left: bool) -> Callable[[Tensor, Tensor], Tensor]:
    """100 on [5, 5.01) or on (5, 5.01], 0 elsewhere: area 1."""

    def field(time: Tensor, state: Tensor) -> Tensor:
        moment = broadcast_time(time, state)
        inside = (moment >= 5) & (moment < 5.01) if closed_left else (moment > 5) & (moment <= 5.01)
        return torch.where(inside, 100.0, 0.0) + 0 * state

    return field


@pytest.mark.parametrize("tableau", PAIRS, ids=lambda tableau: tableau.name)
@pytest.mark.parametrize("closed_left", [True, False])
@pytest.mark.parametrize("direction", [1, -1])
def test_a_pulse_between_two_jumps_has_its_area(tableau: ButcherTableau, closed_left: bool, direction: int) -> None:
    first, last = (0.0, 10.0) if direction == 1 else (10.0, 0.0)
    net = NeuralODE(
        pulse(closed_left=closed_left), last, start_time=first, rtol=1e-9, atol=1e-9, tableau=tableau, jump_times=JUMPS
    )
    result = net(torch.zeros(2, 1, dtype=torch.float64))
    assert result.flatten().tolist() == pytest.approx([direction, direction], abs=1e-12)
    record = net.last_solve
    assert record is not None
    for jump in JUMPS:
        assert bool((record.times == jump).any(dim=0).all())


@pytest.mark.parametrize("tableau", PAIRS, ids=lambda tableau: tableau.name)
@pytest.mark.parametrize("closed_left", [True, False])
def test_a_pulse_in_float32(tableau: ButcherTableau, closed_left: bool) -> None:
    net = NeuralODE(pulse(closed_left=closed_left), 10.0, rtol=1e-6, atol=1e-6, tableau=tableau, jump_times=JUMPS)
    assert net(torch.zeros(1, 1)).item() == pytest.approx(1.0, abs=1e-6)


def test_no_trial_is_rejected_for_a_jump_and_evaluations_are_counted() -> None:
    """A jump of 10⁶ is met without one rejection; the record counts what was evaluated."""
    rows = 0

    def field(time: Tensor, state: Tensor) -> Tensor:
        nonlocal rows
        rows += len(state)
        return torch.where(broadcast_time(time, state) < 1.0, 1.0, -1e6) + 0 * state

    for tableau in PAIRS:
        net = NeuralODE(field, 2.0, rtol=1e-9, atol=1e-9, jump_times=torch.tensor([1.0]), tableau=tableau)
        net(torch.zeros(1, 1, dtype=torch.float64))
        rows = 0
        assert net(torch.zeros(1, 1, dtype=torch.float64)).item() == pytest.approx(1.0 - 1e6, rel=1e-12)
        record = net.last_solve
        assert record is not None
        assert int(record.rejected[0]) == 0
        assert int(record.evaluations[0]) == rows


def switching(time: Tensor, state: Tensor) -> Tensor:
    return torch.where(broadcast_time(time, state) < 0.3, -state, 2.0 * torch.cos(state))


@pytest.mark.parametrize("tableau", PAIRS, ids=lambda tableau: tableau.name)
def test_the_plan_s_steps_are_the_solve_s_steps(tableau: ButcherTableau) -> None:
    """Pairs, bounds and measured constants see the same branches as the solve, each sample on its own grid."""
    y0 = torch.tensor([[0.5, 1.0], [3.0, -1.0], [0.1, 0.2]], dtype=torch.float64)
    net = NeuralODE(switching, 1.0, rtol=1e-6, atol=1e-6, tableau=tableau, jump_times=[0.3])
    states = net.trajectory(y0).states
    for n, step in enumerate(net.plan()):
        after = net.stepper.step(step.field, step.time, states[n], step.step_size)
        torch.testing.assert_close(after, states[n + 1], rtol=1e-13, atol=1e-14)
    perturbation = torch.full_like(y0, 1e-3)
    assert check_bound(net, y0, perturbation, lipschitz=2.0).all_hold
    assert float(measure_divergence(net, y0, perturbation).secant_constants.max()) <= 2.0 + 1e-9


@pytest.mark.parametrize("gradients", ["direct", "checkpointed", "adjoint"])
def test_gradients_pass_jumps(gradients: Literal["direct", "checkpointed", "adjoint"]) -> None:
    """y′ = −y up to ln 2, y′ = 3y from there to 1: dy(1)/dy(0) = ½ e^{3(1 − ln 2)}."""
    jump = torch.log(torch.tensor(2.0, dtype=torch.float64))

    def field(time: Tensor, state: Tensor) -> Tensor:
        return torch.where(broadcast_time(time, state) < jump, -state, 3 * state)

    net = NeuralODE(field, 1.0, rtol=1e-10, atol=1e-10, jump_times=[float(jump)], gradients=gradients)
    y0 = torch.tensor([[1.0], [4.0]], dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(net(y0).sum(), y0)
    assert gradient.flatten().tolist() == pytest.approx([float(0.5 * torch.exp(3 * (1 - jump)))] * 2, rel=1e-8)


def test_jumps_at_the_ends_and_outside_do_no_harm() -> None:
    net = NeuralODE(lambda _t, y: -y, 1.0, rtol=1e-9, atol=1e-9, jump_times=[-3.0, 0.0, 1.0, 0.5, 0.5, 7.0])
    assert net(torch.ones(1, 1, dtype=torch.float64)).item() == pytest.approx(0.36787944117144233, rel=1e-8)
    record = net.last_solve
    assert record is not None
    assert record.times[:, 0].tolist().count(0.5) == 1
    assert record.times[-1, 0] == 1.0


def test_a_jump_at_the_start_begins_after_it() -> None:
    def field(time: Tensor, state: Tensor) -> Tensor:
        return torch.where(broadcast_time(time, state) > 0, 1.0, -1e9) + 0 * state

    net = NeuralODE(field, 1.0, rtol=1e-9, atol=1e-9, jump_times=[0.0])
    assert net(torch.zeros(1, 1, dtype=torch.float64)).item() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("jump", [5.01, 5.1, 0.1, -0.3, 0.0, 7.0])
def test_a_step_sees_times_strictly_inside_its_jumps(dtype: torch.dtype, jump: float) -> None:
    """On either side of the jump as a number of float64, and as one of the state's dtype."""
    seen: list[Tensor] = []

    def field(time: Tensor, state: Tensor) -> Tensor:
        seen.append(time)
        return state

    at, later = torch.tensor([jump], dtype=torch.float64), torch.tensor([jump + 1], dtype=torch.float64)
    for begin, end, above in ((at, later, True), (later, at, True), (at, at - 1, False), (at - 1, at, False)):
        between = field_in_step(field, begin, end, (jump,))
        assert isinstance(between, FieldBetweenJumps)
        between(at.to(dtype), torch.zeros(1, 1, dtype=dtype))
        moment = seen[-1]
        assert moment.dtype == dtype
        assert (
            bool((moment > at.to(dtype)) & (moment.double() > at))
            if above
            else bool((moment < at.to(dtype)) & (moment.double() < at))
        )
        assert abs(float(moment) - jump) <= 2 * torch.finfo(dtype).eps * max(1.0, abs(jump))
    assert field_in_step(field, at + 0.1, later, (jump,)) is field


@pytest.mark.usefixtures("unchecked")
def test_jump_times_are_checked() -> None:
    with pytest.raises(ValueError, match="`jump_times` must be finite"):
        NeuralODE(switching, jump_times=[float("nan")])
    for wrong in (0.5, "0.5", ["a"]):
        with pytest.raises(TypeError, match="`jump_times` must be"):
            NeuralODE(switching, jump_times=wrong)  # type: ignore[arg-type]
