"""Adaptive solves one after the other are what each of them is, and a network as every other."""

import pytest
import torch
from torch import Tensor

from natrob_theory import (
    BOGACKI_SHAMPINE,
    GradientFlowField,
    IntegrationError,
    LayerRefusedError,
    LinearField,
    NeuralODE,
    StackedNeuralODE,
    check_bound,
    check_growth_bound,
    growth_upper_bound,
    lipschitz_upper_bound,
    materialised,
    measure_divergence,
)


@pytest.fixture
def state() -> Tensor:
    return torch.randn(5, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.fixture
def net() -> StackedNeuralODE:
    torch.manual_seed(0)
    fields = [GradientFlowField.dense(6, 4).double() for _ in range(3)]
    return StackedNeuralODE(fields, 3.0, tableau=BOGACKI_SHAMPINE, max_step_size=0.2)


def test_it_is_its_parts_one_after_the_other(net: StackedNeuralODE, state: Tensor) -> None:
    expected, evaluations = state, torch.zeros(5, dtype=torch.long)
    for place, field in enumerate(net.fields):
        part = NeuralODE(field, place + 1.0, start_time=float(place), tableau=BOGACKI_SHAMPINE, max_step_size=0.2)
        expected = part(expected)
        assert part.last_solve is not None
        evaluations = evaluations + part.last_solve.evaluations
    assert torch.equal(net(state), expected)
    record = net.last_solve
    assert record is not None
    assert torch.equal(record.evaluations, evaluations)
    assert not record.failed


def test_the_exact_solution_of_two_linear_parts() -> None:
    parts = [LinearField(torch.tensor([[rate]], dtype=torch.float64)) for rate in (1.0, -3.0)]
    net = StackedNeuralODE(parts, 2.0, rtol=1e-10, atol=1e-10)
    found = net(torch.ones(1, 1, dtype=torch.float64))
    torch.testing.assert_close(found, torch.exp(torch.tensor([[-2.0]], dtype=torch.float64)), rtol=1e-8, atol=0.0)


def test_the_trajectory_is_that_of_its_plan(net: StackedNeuralODE, state: Tensor) -> None:
    run = net.trajectory(state)
    plan = net.plan()
    assert len(run.times) == len(plan) + 1
    assert (run.times[0] == 0.0).all()
    assert (run.times[-1] == 3.0).all()
    for place, step in enumerate(plan):
        shape = (-1, 1)
        moved = net.stepper.step(step.field, step.time, run.states[place], step.step_size.view(shape))
        torch.testing.assert_close(moved, run.states[place + 1])


def test_bounds_hold_as_for_every_network(net: StackedNeuralODE, state: Tensor) -> None:
    perturbation = 0.01 * torch.ones_like(state)
    largest = max((lipschitz_upper_bound(field, input_shape=(6,)) for field in net.fields), key=float)
    assert check_bound(net, state, perturbation, lipschitz=largest).all_hold
    assert check_growth_bound(net, state, perturbation).all_hold
    assert measure_divergence(net, state, perturbation).distance.shape[1] == 5
    assert growth_upper_bound(net, input_shape=(6,)).kind == "upper"


def test_no_constant_holds_for_pairs_of_inputs(net: StackedNeuralODE) -> None:
    with pytest.raises(LayerRefusedError, match="adaptive solver"):
        lipschitz_upper_bound(net, input_shape=(6,))


def test_gradients_are_those_of_the_parts(net: StackedNeuralODE, state: Tensor) -> None:
    net(state).square().sum().backward()
    own = [field.linear_map.weight.grad.clone() for field in net.fields]  # type: ignore[union-attr]
    net.zero_grad()
    value = state
    for part in net.parts:
        value = part(value)
    value.square().sum().backward()
    for field, expected in zip(net.fields, own, strict=True):
        torch.testing.assert_close(field.linear_map.weight.grad, expected)  # type: ignore[union-attr]


def test_a_failing_part_fails_the_whole(state: Tensor) -> None:
    grow = LinearField(40.0 * torch.eye(6, dtype=torch.float64))
    calm = LinearField(torch.zeros(6, 6, dtype=torch.float64))
    with pytest.raises(IntegrationError):
        StackedNeuralODE([calm, grow], 2.0, max_num_steps=3)(state)
    warned = StackedNeuralODE([grow, calm], 2.0, max_num_steps=3, on_failure="warn")
    with pytest.warns(match="steps"), pytest.raises(ValueError, match="finite"):
        warned(state)


def test_a_record_wants_all_parts_run_on_one_batch(net: StackedNeuralODE, state: Tensor) -> None:
    assert net.last_solve is None
    net.parts[0](state)
    with pytest.raises(ValueError, match="run apart"):
        assert net.last_solve is not None


def test_no_field_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one field"):
        StackedNeuralODE([], 1.0)


def test_a_frozen_copy_is_the_same_network(net: StackedNeuralODE, state: Tensor) -> None:
    assert torch.equal(materialised(net)(state), net(state))
