"""Events that end a sample: located by steps, sample by sample, with the gradient of a time that moves."""

import math
from collections.abc import Callable
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    FEHLBERG45,
    ButcherTableau,
    NeuralODE,
    SolveRecord,
    SolveStatus,
    broadcast_time,
    check_affine_bound,
)

PAIRS = [DOPRI5, FEHLBERG45, BOGACKI_SHAMPINE]
GRAVITY = 9.81


def falling(_time: Tensor, state: Tensor) -> Tensor:
    return torch.stack([state[:, 1], torch.full_like(state[:, 1], -GRAVITY)], dim=1)


def height(_time: Tensor, state: Tensor) -> Tensor:
    return state[:, 0]


def thrown() -> Tensor:
    return torch.tensor([[10.0, 0.0], [20.0, 1.0], [500.0, 0.0], [0.0, 3.0]], dtype=torch.float64)


def record_of(net: NeuralODE) -> SolveRecord:
    assert net.last_solve is not None
    return net.last_solve


def landing(state: Tensor) -> Tensor:
    h, v = state.unbind(dim=1)
    return (v + torch.sqrt(v * v + 2 * GRAVITY * h)) / GRAVITY


@pytest.mark.parametrize("tableau", PAIRS, ids=lambda tableau: tableau.name)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_falling_bodies_stop_at_the_ground(tableau: ButcherTableau, dtype: torch.dtype) -> None:
    """The third is still falling at T, and the fourth starts on the ground, which is no event."""
    tolerance = 1e-6 if dtype == torch.float32 else 1e-9
    net = NeuralODE(falling, 5.0, rtol=tolerance, atol=tolerance, event=height, tableau=tableau)
    y0 = thrown().to(dtype)
    result, record = net(y0), record_of(net)
    at_event, at_end = SolveStatus.EVENT, SolveStatus.REACHED_END
    assert record.status == (at_event, at_event, at_end, at_event)
    assert not record.failed
    times = record.times[-1]
    located = 4 * torch.finfo(dtype).eps * 5.0
    expected = landing(thrown())
    for sample in (0, 1, 3):
        assert float(times[sample]) == pytest.approx(float(expected[sample]), abs=located + 20 * tolerance)
        assert abs(float(result[sample, 0])) <= 60 * located
        assert float(result[sample, 0]) <= 0.0  # at or just past it
    assert float(times[2]) == 5.0
    assert float(result[2, 0]) == pytest.approx(500.0 - 0.5 * GRAVITY * 25.0, rel=1e-6)


def test_an_event_does_not_depend_on_the_batch() -> None:
    net = NeuralODE(falling, 5.0, event=height)
    together, record = net(thrown()), record_of(net)
    for sample, row in enumerate(thrown()):
        assert torch.equal(net(row[None])[0], together[sample])
        alone = record_of(net)
        own = int(record.accepted[sample]) + 1
        assert torch.equal(alone.times[:, 0], record.times[:own, sample])
        assert int(alone.evaluations[0]) == int(record.evaluations[sample])


@pytest.mark.parametrize("tableau", PAIRS, ids=lambda tableau: tableau.name)
def test_states_are_steps_on_the_grid_up_to_the_event_and_evaluations_are_counted(tableau: ButcherTableau) -> None:
    rows = 0

    def counted(time: Tensor, state: Tensor) -> Tensor:
        nonlocal rows
        rows += len(state)
        return torch.cos(3 * broadcast_time(time, state)) * torch.sin(state) - 0.5 * state

    net = NeuralODE(counted, 2.0, tableau=tableau, event=lambda _t, y: y[:, 0] - 0.8)
    y0 = torch.tensor([[2.0, 1.0]], dtype=torch.float64)
    with torch.no_grad():
        net(y0)
        rows = 0
        trajectory = net.trajectory(y0)
    record = record_of(net)
    assert record.status == (SolveStatus.EVENT,)
    assert int(record.evaluations[0]) == rows
    assert torch.equal(trajectory.times, record.times)
    for n, step in enumerate(net.plan()):
        after = net.stepper.step(counted, step.time, trajectory.states[n], step.step_size)
        torch.testing.assert_close(trajectory.states[n + 1], after, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("backward", [False, True])
def test_events_of_time_and_backward_in_time(backward: bool) -> None:
    first, last, meets = (3.0, 0.0, 1.25) if backward else (0.0, 3.0, 1.25)
    net = NeuralODE(lambda _t, y: -y, last, start_time=first, rtol=1e-9, atol=1e-9, event=lambda t, _y: t - meets)
    result = net(torch.ones(2, 1, dtype=torch.float64))
    assert record_of(net).times[-1].tolist() == pytest.approx([meets] * 2, abs=1e-14)
    assert result.flatten().tolist() == pytest.approx([math.exp(first - meets)] * 2, rel=1e-8)


def test_a_steep_and_a_flat_event_are_found() -> None:
    """Where the secant helps little: a cube root and a seventh power of what is to be 0."""
    for bend in (lambda g: torch.sign(g) * g.abs() ** (1 / 3), lambda g: g**7, lambda g: torch.sign(g) * 1e6):
        net = NeuralODE(lambda _t, y: -y, 5.0, rtol=1e-9, atol=1e-9, event=lambda _t, y, bend=bend: bend(y[:, 0] - 0.3))
        result = net(torch.ones(1, 1, dtype=torch.float64))
        assert float(result) == pytest.approx(0.3, abs=1e-13)
        assert float(result) <= 0.3


Gradients = Literal["direct", "checkpointed"]


@pytest.mark.parametrize("tableau", PAIRS, ids=lambda tableau: tableau.name)
@pytest.mark.parametrize("gradients", ["direct", "checkpointed"])
def test_gradients_know_that_the_time_moves(tableau: ButcherTableau, gradients: Gradients) -> None:
    """The speed at the ground is −√(v² + 2gh), whose derivatives are −g and −v over its size."""
    net = NeuralODE(falling, 5.0, rtol=1e-9, atol=1e-9, event=height, tableau=tableau, gradients=gradients)
    y0 = thrown()[[0, 1, 3]].requires_grad_()
    (gradient,) = torch.autograd.grad(net(y0)[:, 1].sum(), y0)
    h, v = y0.detach().unbind(dim=1)
    speed = torch.sqrt(v * v + 2 * GRAVITY * h)
    torch.testing.assert_close(gradient, torch.stack([-GRAVITY / speed, -v / speed], dim=1), rtol=1e-6, atol=1e-7)


class Decay(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rate = nn.Parameter(torch.tensor(0.7, dtype=torch.float64))
        self.level = nn.Parameter(torch.tensor(0.4, dtype=torch.float64))

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        return torch.stack([-self.rate * state[:, 0], torch.cos(time) + 0 * state[:, 1]], dim=1)


def test_gradients_reach_the_parameters_of_field_and_event_as_differences_do() -> None:
    """The second entry at the event is sin t*, t* = ln(1/level)/rate + …, an event that looks at t as well."""
    model = Decay()

    def event(time: Tensor, state: Tensor) -> Tensor:
        return state[:, 0] - model.level - 0.05 * time

    net = NeuralODE(model, 4.0, rtol=1e-11, atol=1e-11, event=event)
    y0 = torch.tensor([[1.0, 0.0], [1.5, 0.2]], dtype=torch.float64, requires_grad=True)
    found = torch.autograd.grad(net(y0)[:, 1].sum(), (model.rate, model.level, y0))
    with torch.no_grad():
        for parameter, gradient in ((model.rate, found[0]), (model.level, found[1])):
            ends = []
            for shift in (1e-6, -2e-6):
                parameter.add_(shift)
                ends.append(net(y0)[:, 1].sum())
            parameter.add_(1e-6)
            assert float(gradient) == pytest.approx(float((ends[0] - ends[1]) / 2e-6), rel=1e-5)
        shift = torch.tensor([[1e-6, 0.0], [0.0, 0.0]], dtype=torch.float64)
        difference = (net(y0 + shift)[0, 1] - net(y0 - shift)[0, 1]) / 2e-6
    assert float(found[2][0, 0]) == pytest.approx(float(difference), rel=1e-5)
    assert found[2][:, 1].tolist() == pytest.approx([1.0, 1.0])


def test_what_an_event_cannot_be_differentiated_by_is_refused() -> None:
    net, y0 = NeuralODE(falling, 5.0, event=height), thrown()[:2].requires_grad_()
    (gradient,) = torch.autograd.grad(net(thrown()[:2].requires_grad_())[:, 1].sum(), [*()] or [y0], allow_unused=True)
    assert gradient is None
    with pytest.raises(NotImplementedError, match="an event's time has no second derivatives"):
        torch.autograd.grad(net(y0)[:, 1].sum(), y0, create_graph=True)
    with pytest.raises(NotImplementedError, match="an `event` is differentiated in reverse mode only"):
        torch.func.jacrev(net)(thrown()[:2])
    with pytest.raises(NotImplementedError, match="an `event` is differentiated in reverse mode only"):
        torch.func.jvp(net, (thrown()[:2],), (thrown()[:2],))
    with pytest.raises(ValueError, match='`event` must be None with `gradients` = "adjoint"'):
        NeuralODE(falling, gradients="adjoint", event=height)
    resting = NeuralODE(
        lambda t, y: torch.where(broadcast_time(t, y) < 1, -1.0, 0.0) + 0 * y, 2.0, jump_times=[1.0],
        event=lambda _t, y: torch.where(y[:, 0] > 0, y[:, 0], -1.0 + 0 * y[:, 0]),
    )  # fmt: skip
    with pytest.raises(ValueError, match="`event` must pass through 0 at a rate other than 0"):
        resting(torch.ones(1, 1, dtype=torch.float64).requires_grad_())


def test_chosen_times_after_the_event_are_nan() -> None:
    net = NeuralODE(falling, 5.0, rtol=1e-9, atol=1e-9, event=height)
    states = net.trajectory(thrown(), times=[1.0, 2.0, 3.0]).states
    reached = torch.isfinite(states).all(dim=2)
    assert reached.tolist() == [[True, True, True, False], [False, True, True, False], [False, False, True, False]]
    torch.testing.assert_close(states[0, 0, 0], torch.tensor(10.0 - 0.5 * GRAVITY, dtype=torch.float64))


@pytest.mark.parametrize(
    ("event", "error", "message"),
    [
        (lambda _t, y: y, ValueError, r"`event` must return one value for each sample, \(4,\), got \(4, 2\)"),
        (lambda _t, y: y[:, 0] > 0, TypeError, "`event` must return a floating-point tensor"),
        (lambda _t, y: torch.full_like(y[:, 0], math.nan), ValueError, "`event` must return numbers, got NaN"),
        (lambda _t, y: y[:, 0] - y[:, 0].mean(), ValueError, "must treat the samples of a batch independently"),
    ],
)
def test_events_are_checked(event: Callable[[Tensor, Tensor], Tensor], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        NeuralODE(falling, 5.0, event=event)(thrown())


@pytest.mark.usefixtures("unchecked")
def test_an_event_must_be_callable() -> None:
    with pytest.raises(TypeError, match="`event` must be a callable"):
        NeuralODE(falling, event=1.0)  # type: ignore[arg-type]


def test_a_bound_at_the_end_time_refuses_samples_that_ended_at_events() -> None:
    net = NeuralODE(falling, 5.0, event=height)
    with pytest.raises(RuntimeError, match="the affine bound needs both solutions at the end time"):
        check_affine_bound(net, thrown()[:1], torch.full((1, 2), 1e-3, dtype=torch.float64), lipschitz=1.0)
