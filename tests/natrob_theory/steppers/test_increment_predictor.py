"""Predicted starts of consecutive solves: fewer evaluations, the same solutions, and no harm from a bad prediction."""

import pytest
import torch
from torch import Tensor, nn

from natrob_theory import Anderson, BackwardEulerNet, BackwardEulerStepper, NewtonKrylov
from natrob_theory.steppers.increment_predictor import IncrementPredictor

STEP, STEPS = 0.1, 8


def test_increments_that_change_evenly_are_predicted_exactly() -> None:
    predictor, base = IncrementPredictor(), torch.tensor([1.0])
    assert predictor.predicted(base, after="step") is None
    predictor.note("step", torch.tensor([2.0]), after="step")
    assert predictor.predicted(base, after="step") == torch.tensor([3.0])
    predictor.note("step", torch.tensor([5.0]), after="step")
    assert predictor.predicted(base, after="step") == torch.tensor([9.0])  # 1 + (5 + 3)
    assert predictor.predicted(base, after="another") is None


def test_steps_of_another_kind_are_forgotten() -> None:
    predictor = IncrementPredictor()
    predictor.note(3, torch.tensor([2.0]), after=4)
    predictor.note(7, torch.tensor([5.0]), after=8)
    assert predictor.predicted(torch.zeros(1), after=7) == torch.tensor([5.0])


def _field(evaluations: list[Tensor]) -> nn.Module:
    module = nn.Sequential(nn.Linear(5, 9), nn.Tanh(), nn.Linear(9, 5)).double()

    class Counted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = module

        def forward(self, time: Tensor, state: Tensor) -> Tensor:
            evaluations.append(state)
            return self.module(state)

    return Counted()


def test_a_pass_of_predicted_steps_is_that_of_single_steps_with_fewer_evaluations() -> None:
    evaluations: list[Tensor] = []
    field, start = _field(evaluations), torch.linspace(-1, 1, 15, dtype=torch.float64).view(3, 5)
    net = BackwardEulerNet(field, STEP, STEPS, solver=Anderson())
    with torch.no_grad():
        predicted, spent = net(start), len(evaluations)
        evaluations.clear()
        state = start
        for _ in range(STEPS):
            state = net.stepper.step(field, 0.0, state, STEP)
    assert spent <= len(evaluations) - STEPS
    torch.testing.assert_close(predicted, state, rtol=1e-12, atol=1e-12)
    with torch.no_grad():
        assert torch.equal(net.trajectory(start).states[-1], predicted)


def test_gradients_of_predicted_steps_are_those_of_single_steps_twice() -> None:
    net = BackwardEulerNet(_field([]), STEP, STEPS, solver=Anderson())
    start = torch.linspace(-1, 1, 15, dtype=torch.float64).view(3, 5).requires_grad_()
    wanted = [start, *net.parameters()]
    state = start
    for _ in range(STEPS):
        state = net.stepper.step(net.fields[0], 0.0, state, STEP)
    single = torch.autograd.grad(state.square().sum(), wanted)
    loss = net(start).square().sum()
    first = torch.autograd.grad(loss, wanted, retain_graph=True)
    second = torch.autograd.grad(loss, wanted)
    for one, other, again in zip(single, first, second, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-10, atol=1e-12)
        assert torch.equal(other, again)


def test_a_prediction_outside_of_the_field_s_domain_does_no_harm() -> None:
    start = torch.tensor([[0.5], [1.0]], dtype=torch.float64)

    def field(_time: Tensor, state: Tensor) -> Tensor:
        return -torch.sqrt(state)

    stepper = BackwardEulerStepper(Anderson(max_iterations=200)).begun()
    assert isinstance(stepper, BackwardEulerStepper)
    assert stepper._roots is not None
    kind = (field, 0.1)
    stepper._roots.note(kind, torch.full_like(start, -5.0), after=kind)
    with torch.no_grad():
        found = stepper.step(field, 0.0, start, 0.1)
        expected = BackwardEulerStepper(Anderson(max_iterations=200)).step(field, 0.0, start, 0.1)
    assert torch.equal(found, expected)


def test_newton_s_steps_begin_at_the_step_s_start() -> None:
    stepper = BackwardEulerStepper(NewtonKrylov())
    assert stepper.begun() is stepper


@pytest.mark.parametrize("sizes", [(0.1, 0.2), (0.2, 0.1)])
def test_a_step_of_another_size_is_not_predicted(sizes: tuple[float, float]) -> None:
    evaluations: list[Tensor] = []
    field, start = _field(evaluations), torch.ones(2, 5, dtype=torch.float64)
    stepper = BackwardEulerStepper(Anderson()).begun()
    with torch.no_grad():
        first = stepper.step(field, 0.0, start, sizes[0])
        evaluations.clear()
        stepper.step(field, 0.0, first, sizes[1])
    assert torch.equal(evaluations[0], first)
