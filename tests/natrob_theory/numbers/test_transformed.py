"""Networks under torch.func's transforms, and fields that differentiate inside themselves."""

import copy
import math
from collections.abc import Callable
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from natrob_theory import (
    BackwardEulerNet,
    EulerNet,
    FractalNet,
    HeunNet,
    LinearField,
    NeuralODE,
    PolyNet,
    RevNet,
    RungeKuttaNet,
    dense_field,
)
from natrob_theory.networks import AbstractFixedStepNet
from natrob_theory.numbers.argument_checks import all_finite, require_state
from natrob_theory.numbers.transformed import is_mapped, is_wrapped, stored_values

EXPLICIT: dict[str, Callable[..., AbstractFixedStepNet]] = {
    "euler": EulerNet,
    "heun": HeunNet,
    "runge-kutta": RungeKuttaNet,
    "polynet": PolyNet,
    "fractalnet": FractalNet,
    "revnet": lambda field, *a, **k: RevNet((field, copy.deepcopy(field)), *a, **k),
}


def network(name: str) -> AbstractFixedStepNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return EXPLICIT[name](dense_field(1 if name == "revnet" else 2, 4, activation=nn.Tanh).double(), 0.1, 3)


def points() -> Tensor:
    return torch.randn(5, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("name", EXPLICIT)
def test_jacobians_of_mapped_samples_are_those_of_single_ones(name: str) -> None:
    net = network(name)

    def alone(point: Tensor) -> Tensor:
        return net(point[None])[0]

    expected = torch.stack([torch.autograd.functional.jacobian(alone, point) for point in points()])
    for jacobian in (torch.func.jacrev, torch.func.jacfwd):
        torch.testing.assert_close(torch.func.vmap(jacobian(alone))(points()), expected, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(torch.func.vmap(alone)(points()), net(points()), rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(
        torch.func.vmap(lambda point: net.trajectory(point[None]).states[:, 0], out_dims=1)(points()),
        net.trajectory(points()).states, rtol=1e-12, atol=1e-14,
    )  # fmt: skip


@pytest.mark.parametrize("name", EXPLICIT)
def test_products_gradients_and_parameters_of_transforms_agree(name: str) -> None:
    net, y0, direction = network(name), points(), torch.ones(5, 2, dtype=torch.float64)
    pulled = torch.func.vjp(net, y0)[1](direction)[0]
    pushed = torch.func.jvp(net, (y0,), (direction,))[1]
    torch.testing.assert_close((pushed * direction).sum(), (pulled * direction).sum(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(torch.func.grad(lambda y: net(y).sum())(y0), pulled, rtol=1e-12, atol=1e-12)
    weights = {key: value.detach() for key, value in net.named_parameters()}
    stacked = {key: torch.stack([value, 2 * value]) for key, value in weights.items()}
    both = torch.func.vmap(lambda w: torch.func.functional_call(net, w, (y0,)))(stacked)
    torch.testing.assert_close(both[0], net(y0), rtol=1e-12, atol=1e-12)
    hessian = torch.func.hessian(lambda point: net(point[None]).sum())(y0[0])
    torch.testing.assert_close(hessian, hessian.T, rtol=1e-10, atol=1e-12)


def test_a_mapped_state_that_is_not_finite_is_refused_in_every_entry() -> None:
    net, broken = network("euler"), points()
    broken[3, 1] = math.nan
    with pytest.raises(ValueError, match="`y0` must be finite"):
        torch.func.vmap(lambda point: net(point[None])[0])(broken)


def test_implicit_networks_refuse_transforms_by_name() -> None:
    net = BackwardEulerNet(LinearField(-torch.eye(2)), 0.1, 2)
    for transformed in (torch.func.jacrev(net), torch.func.vmap(lambda point: net(point[None])[0])):
        with pytest.raises(NotImplementedError, match=r"use torch\.autograd"):
            transformed(torch.ones(3, 2))


def test_a_neural_ode_refuses_vmap_by_name_and_takes_the_other_transforms() -> None:
    net = NeuralODE(LinearField(torch.eye(2)), 1.0)
    refusal = r"steps by values that torch\.func\.vmap hides; give the samples in the batch axis"
    with pytest.raises(NotImplementedError, match=refusal):
        torch.func.vmap(net)(torch.ones(4, 3, 2))
    with pytest.raises(NotImplementedError, match=refusal):
        torch.func.vmap(torch.func.jacrev(lambda point: net(point[None])[0]))(torch.ones(3, 2))
    with pytest.raises(NotImplementedError, match=refusal):
        torch.func.vmap(NeuralODE(LinearField(torch.eye(2)), solver="torchdiffeq"))(torch.ones(4, 3, 2))
    stacked = {"field.matrix": torch.stack([torch.eye(2), 2 * torch.eye(2)])}
    for _ in range(2):  # the second time the field is known
        with pytest.raises(NotImplementedError, match=refusal):
            torch.func.vmap(lambda w: torch.func.functional_call(net, w, (torch.ones(3, 2),)))(stacked)
    jacobian = torch.func.jacrev(net)(torch.ones(1, 2))
    torch.testing.assert_close(jacobian[0, :, 0], math.e * torch.eye(2), rtol=1e-2, atol=1e-3)
    torch.testing.assert_close(torch.func.jacfwd(net)(torch.ones(1, 2)), jacobian, rtol=1e-5, atol=1e-6)


def test_what_stands_behind_transforms() -> None:
    seen = []

    def look(entry: Tensor) -> Tensor:
        seen.append((is_wrapped(entry), is_mapped(entry), tuple(stored_values(entry).shape), all_finite(entry)))
        return require_state("y", entry).sum()

    torch.func.vmap(torch.func.grad(look))(torch.ones(4, 3, 2))
    torch.func.grad(look)(torch.ones(3, 2))
    assert seen == [(True, True, (4, 3, 2), True), (True, False, (3, 2), True)]
    assert not is_wrapped(torch.ones(1))


class Potential(nn.Module):
    """−∇(y⁴/4) by autograd, from y itself where that requires a gradient, or always from a copy."""

    def __init__(self, source: Literal["itself", "copy"]) -> None:
        super().__init__()
        self.source = source

    def forward(self, _time: Tensor, state: Tensor) -> Tensor:
        with torch.enable_grad():
            point = state if self.source == "itself" and state.requires_grad else state.clone().requires_grad_()
            return -torch.autograd.grad((point**4).sum() / 4, point, create_graph=True)[0]


def with_the_caller_s_gradients(_time: Tensor, state: Tensor) -> Tensor:
    """Without enable_grad of its own: it works where the caller has gradients on."""
    point = state if state.requires_grad else state.clone().requires_grad_()
    return -torch.autograd.grad((point**4).sum() / 4, point, create_graph=True)[0]


@pytest.mark.parametrize("gradients", ["direct", "checkpointed"])
@pytest.mark.parametrize("field", [Potential("itself"), Potential("copy"), with_the_caller_s_gradients])
@pytest.mark.parametrize("requires_grad", [False, True])
def test_fields_that_differentiate_inside_themselves(
    gradients: Literal["direct", "checkpointed"],
    field: Callable[[Tensor, Tensor], Tensor],
    requires_grad: bool,
) -> None:
    """y′ = −y³ from 1 is 1/√(1 + 2t), and dy(1)/dy(0) = 3^{−3/2}."""
    net = NeuralODE(field, 1.0, rtol=1e-9, atol=1e-9, gradients=gradients)
    y0 = torch.ones(2, 1, dtype=torch.float64, requires_grad=requires_grad)
    final = net(y0)
    assert final.flatten().tolist() == pytest.approx([1 / math.sqrt(3)] * 2, rel=1e-8)
    if requires_grad:
        (gradient,) = torch.autograd.grad(final.sum(), y0)
        assert gradient.flatten().tolist() == pytest.approx([3**-1.5] * 2, rel=1e-7)
    states = net.trajectory(y0).states
    assert states[-1].flatten().tolist() == pytest.approx([1 / math.sqrt(3)] * 2, rel=1e-8)
    euler = EulerNet(field, 0.001, 1000)(y0)
    assert euler.flatten().tolist() == pytest.approx([1 / math.sqrt(3)] * 2, rel=1e-3)
