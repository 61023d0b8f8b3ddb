"""Backward Euler: the solve, its gradient by the implicit function theorem, and what it refuses."""

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from natrob_theory import (
    Anderson,
    BackwardEulerNet,
    BackwardEulerStepper,
    ImplicitSolveError,
    ImplicitSolveWarning,
    LinearField,
    NewtonKrylov,
)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def contraction(size: int) -> Tensor:
    matrix = normal(size, size, seed=5)
    return matrix / torch.linalg.matrix_norm(matrix, ord=2)


@pytest.mark.parametrize("solver", [NewtonKrylov(), Anderson()], ids=["newton", "anderson"])
def test_values_and_gradients_are_those_of_the_linear_solve(solver: NewtonKrylov | Anderson) -> None:
    """y_N = (I − hA)^{−N} y_0, differentiated by torch through linalg.solve."""
    matrix, start, weights = contraction(4), normal(3, 4, seed=1), normal(3, 4, seed=2)
    net = BackwardEulerNet(LinearField(matrix.clone()), 0.5, 3, solver=solver)
    y0 = start.clone().requires_grad_()
    (net(y0) * weights).sum().backward()

    reference, y = matrix.clone().requires_grad_(), start.clone().requires_grad_()
    state = y
    for _ in range(3):
        state = torch.linalg.solve(torch.eye(4, dtype=torch.float64) - 0.5 * reference, state.T).T
    (state * weights).sum().backward()
    torch.testing.assert_close(net(start).detach(), state.detach(), rtol=1e-11, atol=1e-12)
    torch.testing.assert_close(y0.grad, y.grad, rtol=1e-10, atol=1e-11)
    (parameter,) = net.parameters()
    torch.testing.assert_close(parameter.grad, reference.grad, rtol=1e-10, atol=1e-11)


def test_gradients_of_a_stiff_solve() -> None:
    """hK = 500, hμ < 0: unrolling a fixed-point iteration could not give these."""
    rates = torch.tensor([-1.0, -30.0, -1000.0], dtype=torch.float64)
    y0 = normal(2, 3).requires_grad_()
    BackwardEulerNet(LinearField(torch.diag(rates)), 0.5, 2)(y0).sum().backward()
    expected = ((1 - 0.5 * rates) ** -2).expand(2, 3)
    torch.testing.assert_close(y0.grad, expected, rtol=1e-9, atol=1e-12)


def test_gradients_of_a_nonlinear_field_are_those_of_the_unrolled_iteration() -> None:
    module = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 3)).double()
    with torch.no_grad():
        for seed, parameter in enumerate(module.parameters()):
            parameter.copy_(0.4 * normal(*parameter.shape, seed=seed))
    y0 = normal(4, 3, seed=9).requires_grad_()
    net = BackwardEulerNet(lambda _t, y: module(y), 0.5, 2)
    gradients = torch.autograd.grad(net(y0).square().sum(), [y0, *module.parameters()])

    state = y0
    for _ in range(2):
        image = state
        for _ in range(200):
            image = state + 0.5 * module(image)
        state = image
    unrolled = torch.autograd.grad(state.square().sum(), [y0, *module.parameters()])
    for ours, theirs in zip(gradients, unrolled, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-10)


def test_the_field_is_evaluated_at_the_end_of_the_step() -> None:
    """y′ = t from t = 1, h = ½: y grows by h·t₁ = ½ · 1.5."""
    net = BackwardEulerNet(lambda t, y: t.expand_as(y), 0.5, 1, start_time=1.0)
    assert net(torch.zeros(1, 1)).item() == 0.75


def test_the_gradient_belongs_to_the_parameters_of_the_call() -> None:
    """functional_call puts other weights in for the forward pass only; the backward pass must remember them."""
    net = BackwardEulerNet(LinearField(torch.zeros(2, 2, dtype=torch.float64)), 0.5, 1)
    (name,) = dict(net.named_parameters())
    y0 = torch.ones(1, 2, dtype=torch.float64, requires_grad=True)
    functional_call(net, {name: torch.eye(2, dtype=torch.float64)}, (y0,)).sum().backward()
    assert y0.grad is not None
    assert y0.grad.tolist() == [pytest.approx([2.0, 2.0], rel=1e-12)]  # (1 − ½)⁻¹


def test_second_derivatives_are_refused() -> None:
    y0 = torch.ones(1, 2, requires_grad=True)
    output = BackwardEulerNet(lambda _t, y: torch.sin(y), 0.1, 1)(y0)
    with pytest.raises(NotImplementedError, match="backward Euler has no second derivatives"):
        torch.autograd.grad(output.sum(), y0, create_graph=True)


def test_no_gradient_is_recorded_when_none_is_wanted() -> None:
    y0 = torch.ones(1, 2)
    assert not BackwardEulerNet(lambda _t, y: torch.sin(y), 0.1, 1)(y0).requires_grad
    net = BackwardEulerNet(LinearField(torch.eye(2)), 0.1, 1)
    with torch.no_grad():
        without = net(y0)
    assert not without.requires_grad
    assert torch.equal(without, net(y0).detach())


def test_a_field_that_does_not_depend_on_the_state() -> None:
    shift = torch.ones(2, dtype=torch.float64, requires_grad=True)
    y0 = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    BackwardEulerNet(lambda _t, y: shift.expand_as(y), 0.5, 2)(y0).sum().backward()
    assert shift.grad is not None
    assert y0.grad is not None
    assert shift.grad.tolist() == pytest.approx([1.0, 1.0], rel=1e-14)
    assert y0.grad.flatten().tolist() == pytest.approx([1.0, 1.0], rel=1e-14)


def hopeless(_time: Tensor, state: Tensor) -> Tensor:
    return 5 * torch.cos(7 * state)


def test_a_step_that_has_not_converged_raises_or_warns_as_asked() -> None:
    y0 = torch.ones(3, 2, dtype=torch.float64)
    solver = Anderson(max_iterations=3)
    message = "the implicit solve of backward Euler did not converge for 3 of 3 samples after 3 iterations"
    with pytest.raises(ImplicitSolveError, match=message):
        BackwardEulerNet(hopeless, 1.0, 1, solver=solver)(y0)
    with pytest.warns(ImplicitSolveWarning, match=message):
        BackwardEulerNet(hopeless, 1.0, 1, solver=solver, on_failure="warn")(y0)


def test_an_overflowing_field_is_never_called_converged() -> None:
    with pytest.raises(ImplicitSolveError, match="an iterate became NaN or infinite"):
        BackwardEulerNet(lambda _t, y: 1e300 * y**3, 1.0, 1)(torch.full((1, 1), 1e10, dtype=torch.float64))


def test_a_singular_gradient_system_raises_or_warns_as_asked() -> None:
    """At y = 0, h = 1, f = sin y has I − hJ = 0: the forward solve is exact, the gradient does not exist."""
    message = "the gradient's linear solve of backward Euler did not converge"
    y0 = torch.zeros(1, 1, dtype=torch.float64, requires_grad=True)
    output = BackwardEulerNet(lambda _t, y: torch.sin(y), 1.0, 1)(y0)
    with pytest.raises(ImplicitSolveError, match=message):
        output.sum().backward()
    output = BackwardEulerNet(lambda _t, y: torch.sin(y), 1.0, 1, on_failure="warn")(y0)
    with pytest.warns(ImplicitSolveWarning, match=message):
        output.sum().backward()


def test_image_states() -> None:
    state = normal(2, 3, 4, 5)
    image = BackwardEulerStepper().step(lambda _t, y: -y, 0.0, state, 0.25)
    torch.testing.assert_close(image, state / 1.25, rtol=1e-12, atol=1e-13)
