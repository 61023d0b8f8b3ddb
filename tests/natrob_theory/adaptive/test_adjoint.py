"""The adjoint against exact gradients, on contracting flows above all, and whoever owns what the field uses."""

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.nn.utils import parametrize

from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    FEHLBERG45,
    ButcherTableau,
    DissipativeField,
    GradientFlowField,
    IntegrationError,
    LinearField,
    NeuralODE,
    broadcast_time,
    dense_field,
)
from natrob_theory.numbers.tensor_types import Field

FLOAT64 = torch.float64
Kind = Literal["direct", "adjoint"]
TABLEAUS = pytest.mark.parametrize("tableau", [DOPRI5, FEHLBERG45, BOGACKI_SHAMPINE], ids=lambda tableau: tableau.name)


def logistic(time: Tensor, state: Tensor) -> Tensor:
    return 5.0 * state * (1.0 - state)


def logistic_gradient(y0: float, time: float) -> float:
    """∂y(t)/∂y₀ of y′ = 5y(1 − y): e^{5t}/(1 − y₀ + y₀e^{5t})²."""
    growth = math.exp(5.0 * time)
    return growth / (1.0 - y0 + y0 * growth) ** 2


def gradient_at_start(net: NeuralODE, y0: Tensor) -> Tensor:
    y0 = y0.clone().requires_grad_()
    return torch.autograd.grad(net(y0).sum(), y0)[0]


@pytest.mark.parametrize("dtype", [torch.float32, FLOAT64])
@pytest.mark.parametrize("time", [2.0, 5.0, 8.0, 15.0])
def test_the_gradient_of_a_contracting_flow_is_right_relative_to_its_size(time: float, dtype: torch.dtype) -> None:
    """At T = 15 it is 3e-31. An error of 0.1 % in y, which the default tolerances allow, is one of 1 % a second."""
    starts = torch.tensor([[0.05], [0.1], [0.3], [0.6]], dtype=dtype)
    found = gradient_at_start(NeuralODE(logistic, time, gradients="adjoint"), starts)
    exact = torch.tensor([[logistic_gradient(float(y0), time)] for y0 in starts], dtype=FLOAT64)
    torch.testing.assert_close(found.double(), exact, rtol=0.03 * time, atol=0.0)


@TABLEAUS
def test_the_gradient_converges_with_the_tolerance(tableau: ButcherTableau) -> None:
    errors, tolerances = [], (1e-3, 1e-5, 1e-7) if tableau is BOGACKI_SHAMPINE else (1e-3, 1e-5, 1e-7, 1e-9)
    for tolerance in tolerances:
        net = NeuralODE(logistic, 3.0, rtol=tolerance, atol=tolerance, gradients="adjoint", tableau=tableau)
        found = gradient_at_start(net, torch.tensor([[0.1]], dtype=FLOAT64))
        errors.append(abs(float(found) / logistic_gradient(0.1, 3.0) - 1.0))
    for error, tolerance in zip(errors, tolerances, strict=True):
        assert error < 500 * tolerance


@pytest.mark.parametrize("dtype", [torch.float32, FLOAT64])
def test_stiff_decays_of_unlike_rates_are_right_entry_by_entry(dtype: torch.dtype) -> None:
    rates = torch.tensor([0.1, 3.0, 50.0], dtype=dtype)
    y0 = torch.tensor([[1.0, 2.0, 3.0], [1e3, 1e-3, 0.0]], dtype=dtype)
    net = NeuralODE(LinearField(-torch.diag(rates)), 1.0, rtol=1e-5, atol=1e-7, gradients="adjoint")
    found = gradient_at_start(net, y0)
    torch.testing.assert_close(found, torch.exp(-rates).expand(2, 3), rtol=2e-3, atol=1e-6)


def test_entries_of_unlike_scales_are_both_right() -> None:
    """y₁ of size 1e6 and y₂ of size 1, the loss in the units of either."""
    field: Field = lambda t, y: torch.stack([-y[:, 0] + 1e5 * y[:, 1].sin(), -2.0 * y[:, 1]], dim=1)  # noqa: E731
    y0 = torch.tensor([[1e6, 1.0]], dtype=FLOAT64)
    sides: tuple[tuple[Kind, float], ...] = (("direct", 1e-11), ("adjoint", 1e-6))
    for weights in ([1.0, 1.0], [1e-6, 1.0], [1e-6, 0.0]):
        found = {}
        for kind, tolerance in sides:
            net = NeuralODE(field, 2.0, rtol=tolerance, atol=tolerance, gradients=kind)
            start = y0.clone().requires_grad_()
            found[kind] = torch.autograd.grad((net(start) * torch.tensor(weights, dtype=FLOAT64)).sum(), start)[0]
        torch.testing.assert_close(found["adjoint"], found["direct"], rtol=1e-4, atol=0.0)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_the_gradient_is_linear_in_what_comes_in(scale: float) -> None:
    net = NeuralODE(dense_field(3, 5).double(), 1.0, gradients="adjoint")
    y0 = torch.linspace(-1.0, 1.0, 6, dtype=FLOAT64).view(2, 3).requires_grad_()
    one, scaled = (torch.autograd.grad(factor * net(y0).sum(), y0)[0] for factor in (1.0, scale))
    torch.testing.assert_close(scaled, scale * one, rtol=1e-10, atol=0.0)


FIELDS: dict[str, Callable[[], nn.Module]] = {
    "dissipative": lambda: DissipativeField(dense_field(4, 8, activation=nn.Tanh), 3.0),
    "gradient flow": lambda: GradientFlowField.dense(4, 8, activation=nn.Tanh),
    "dense": lambda: dense_field(4, 8, activation=nn.Tanh),
    "ReLU": lambda: dense_field(4, 8),
}


def all_gradients(name: str, batch: int, kind: Kind, tolerance: float, tableau: ButcherTableau) -> list[Tensor]:
    """Those in the start and in the parameters of a field; contracting ones are scaled up."""
    torch.manual_seed(0)
    field = FIELDS[name]().double()
    if name == "gradient flow":
        for parameter in field.parameters():
            parameter.data.mul_(3.0)
    y0 = torch.randn(batch, 4, dtype=FLOAT64) * torch.linspace(0.3, 3.0, batch, dtype=FLOAT64)[:, None]
    net = NeuralODE(field, 2.0, rtol=tolerance, atol=tolerance, gradients=kind, tableau=tableau)
    start = y0.clone().requires_grad_()
    return list(torch.autograd.grad(net(start).sin().sum(), [start, *field.parameters()]))


@cache
def of_a_fine_solve(name: str, batch: int) -> list[Tensor]:
    return all_gradients(name, batch, "direct", 1e-9, DOPRI5)


@TABLEAUS
@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("batch", [1, 6])
def test_all_gradients_agree_with_the_direct_ones_of_a_fine_solve(
    name: str, batch: int, tableau: ButcherTableau
) -> None:
    """Backward in time y would explode; every sample ends by itself."""
    found = all_gradients(name, batch, "adjoint", 1e-5, tableau)
    for adjoint, direct in zip(found, of_a_fine_solve(name, batch), strict=True):
        assert float((adjoint - direct).norm()) < 5e-3 * float(direct.norm()) + 1e-7


def test_a_quadrature_that_varies_faster_than_the_adjoint_is_resolved() -> None:
    """y′ = −y + θ sin(40t): the adjoint alone would take a few long steps."""
    theta = torch.tensor(1.0, dtype=FLOAT64, requires_grad=True)
    net = NeuralODE(
        lambda t, y: -y + theta * torch.sin(40.0 * broadcast_time(t, y)), 1.0, rtol=1e-6, atol=1e-6, gradients="adjoint"
    )
    (gradient,) = torch.autograd.grad(net(torch.zeros(1, 1, dtype=FLOAT64)).sum(), theta)
    exact = (math.sin(40.0) - 40.0 * math.cos(40.0) + 40.0 * math.exp(-1.0)) / (1.0 + 40.0**2)
    assert float(gradient) == pytest.approx(exact, rel=1e-4)


def test_an_arriving_gradient_that_is_not_finite_is_passed_on_as_nan() -> None:
    field = dense_field(3, 5).double()
    y0 = torch.ones(2, 3, dtype=FLOAT64, requires_grad=True)
    final = NeuralODE(field, 1.0, gradients="adjoint")(y0)
    weights = torch.tensor([[1.0], [math.inf]], dtype=FLOAT64)
    found = torch.autograd.grad(final, [y0, *field.parameters()], weights.expand(2, 3))
    assert torch.isfinite(found[0]).all(dim=1).tolist() == [True, False]
    assert all(bool(torch.isnan(part).all()) for part in found[1:])


def test_an_adjoint_that_cannot_go_back_says_so() -> None:
    """The field is finite where the derivative is not."""
    net = NeuralODE(lambda t, y: torch.sqrt((y - 1.0).abs()) * 0.0 + (y - 1.0) ** 3, 1.0, gradients="adjoint")
    y0 = torch.ones(1, 1, dtype=FLOAT64, requires_grad=True)
    final = net(y0)
    with pytest.raises(IntegrationError, match=r"the adjoint solve, backward from t = 1, failed at t = 1 for 1 of 1"):
        final.sum().backward()


def test_states_that_were_written_into_are_noticed() -> None:
    y0 = torch.ones(1, 3, dtype=FLOAT64, requires_grad=True)
    start = y0 * 1.0
    final = NeuralODE(dense_field(3, 5).double(), 1.0, gradients="adjoint")(start)
    start.mul_(2.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        final.sum().backward()


def test_what_is_written_into_the_result_does_not_reach_the_adjoint() -> None:
    field = dense_field(3, 5).double()
    y0 = torch.linspace(-1.0, 1.0, 3, dtype=FLOAT64)[None].requires_grad_()
    net = NeuralODE(field, 1.0, gradients="adjoint")
    (wanted,) = torch.autograd.grad(2.0 * net(y0).sum(), y0)
    (found,) = torch.autograd.grad(net(y0).mul_(2.0).sum(), y0)
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=0.0)


class Owner(nn.Module):
    """Holds what nn.Module does not know of."""

    def __init__(self, weights: Any) -> None:
        super().__init__()
        self.weights = [weights]

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        return torch.tanh(state @ self.weights[0])


def of_a_closure(weight: Tensor) -> Field:
    return lambda t, y: torch.tanh(y @ weight)


def of_views(weight: Tensor) -> Field:
    return lambda t, y: torch.tanh(torch.cat([y @ weight[:, :1], y @ weight.t()[1:].t()], dim=1))


def of_a_partial_product(weight: Tensor) -> Field:
    return lambda t, y, *, matrix=weight: torch.tanh(F.linear(y, matrix.t()))


class Doubled(nn.Module):
    def forward(self, raw: Tensor) -> Tensor:
        return 2.0 * raw


class Product(torch.autograd.Function):
    """A product that torch's functions do not see the factors of."""

    @staticmethod
    def forward(ctx: Any, state: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(state, weight)
        return state @ weight

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        state, weight = ctx.saved_tensors
        return gradients[0] @ weight.t(), state.t() @ gradients[0]


def of_a_custom_function(weight: Tensor) -> Field:
    return lambda t, y: torch.tanh(Product.apply(y, weight))  # type: ignore[no-any-return]


WAYS: dict[str, Callable[[Tensor], Field]] = {
    "closure": of_a_closure,
    "list": Owner,
    "views": of_views,
    "default": of_a_partial_product,
    "custom function": of_a_custom_function,
}


def gradients_in(kind: Kind, way: str, sources: Callable[[], tuple[Tensor, list[Tensor]]]) -> tuple[Tensor, ...]:
    """The gradients in y_0 and the sources of a weight that the field uses in some way."""
    weight, leaves = sources()
    y0 = torch.linspace(-1.0, 1.0, 4, dtype=FLOAT64).view(2, 2).requires_grad_()
    final = NeuralODE(WAYS[way](weight), 1.0, rtol=1e-8, atol=1e-8, gradients=kind)(y0)
    loss = final.pow(3).sum() + weight.sum()  # the weight's graph is used elsewhere, too
    return torch.autograd.grad(loss, [y0, weight, *leaves])


def a_leaf() -> tuple[Tensor, list[Tensor]]:
    return torch.tensor([[1.0, 2.0], [-1.0, 0.5]], dtype=FLOAT64, requires_grad=True), []


def a_computed_weight() -> tuple[Tensor, list[Tensor]]:
    theta = torch.tensor([[1.0, 2.0], [-1.0, 0.5]], dtype=FLOAT64, requires_grad=True)
    return theta.exp().sin(), [theta]


@pytest.mark.parametrize(
    ("way", "sources"),
    [(way, sources) for way in WAYS for sources in (a_leaf, a_computed_weight)][:-1],  # seen by torch, all but the last
)
def test_tensors_that_no_module_owns_get_their_gradient(
    way: str, sources: Callable[[], tuple[Tensor, list[Tensor]]]
) -> None:
    found, wanted = (gradients_in(kind, way, sources) for kind in ("adjoint", "direct"))
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-8)


def test_a_functions_modules_and_parametrized_weights_get_their_gradient() -> None:
    found = []
    for kind in ("direct", "adjoint"):
        layer = nn.Linear(2, 2, bias=False).double()
        layer.weight.data = torch.tensor([[0.5, 1.0], [-0.5, 0.25]], dtype=FLOAT64)
        parametrize.register_parametrization(layer, "weight", Doubled())
        net = NeuralODE(lambda t, y, f=layer: torch.tanh(f(y)), 1.0, rtol=1e-8, atol=1e-8, gradients=kind)
        found += torch.autograd.grad(net(torch.ones(1, 2, dtype=FLOAT64)).sum(), list(layer.parameters()))
    assert float(found[0].norm()) > 0.1
    torch.testing.assert_close(found[1], found[0], rtol=1e-6, atol=1e-8)


def test_what_made_the_start_may_be_used_by_the_field_again() -> None:
    """A conditional flow: context, start and field share a weight; each path counts once."""
    found = []
    for kind in ("direct", "adjoint"):
        theta = torch.tensor(0.5, dtype=FLOAT64, requires_grad=True)
        x = torch.tensor([[0.3, -0.7]], dtype=FLOAT64, requires_grad=True)
        context = (theta * x).tanh()
        y0 = context * theta
        net = NeuralODE(
            lambda t, y, c=context, s=y0, p=theta: c.sum() * y + p * s.sin().mean(), 1.0, rtol=1e-9, atol=1e-9,
            gradients=kind,
        )  # fmt: skip
        loss = net(y0).pow(2).sum() + context.sum()
        found.append(torch.autograd.grad(loss, [theta, x, context, y0]))
    torch.testing.assert_close(found[1], found[0], rtol=1e-7, atol=1e-9)


def test_a_tensor_that_is_used_only_later_is_refused() -> None:
    late = torch.tensor(1.0, dtype=FLOAT64, requires_grad=True)

    def field(time: Tensor, state: Tensor) -> Tensor:
        return state * late if float(time.max()) > 0.5 else -state

    y0 = torch.ones(1, 1, dtype=FLOAT64, requires_grad=True)
    final = NeuralODE(field, 1.0, gradients="adjoint")(y0)
    with pytest.raises(ValueError, match=r"the field uses a tensor of shape \(\) at some times that it did not use"):
        final.sum().backward()


def penalty_gradients(kind: Kind, field: nn.Module, *, constant: bool) -> tuple[Tensor, ...]:
    """Of a gradient penalty, with a cotangent that is constant or not."""
    y0 = torch.linspace(-1.0, 1.0, 6, dtype=FLOAT64).view(2, 3).requires_grad_()
    final = NeuralODE(field, 1.0, rtol=1e-8, atol=1e-8, gradients=kind)(y0)
    (gradient,) = torch.autograd.grad(final.sum() if constant else final.pow(2).sum(), y0, create_graph=True)
    return torch.autograd.grad(gradient.pow(2).sum(), [y0, *field.parameters()], allow_unused=True)


@pytest.mark.parametrize("constant", [True, False])
def test_second_derivatives_are_right_whatever_comes_in(constant: bool) -> None:
    field = dense_field(3, 5, activation=nn.Tanh).double()
    direct, adjoint = (penalty_gradients(kind, field, constant=constant) for kind in ("direct", "adjoint"))
    for one, other in zip(direct, adjoint, strict=True):
        assert one is None or float(one.norm()) > 0
        torch.testing.assert_close(other, one, rtol=1e-6, atol=1e-8)


def test_hessians_by_torch_func_and_by_autograd_are_right() -> None:
    field = dense_field(2, 4, activation=nn.Tanh).double()
    direct, adjoint = (NeuralODE(field, 1.0, gradients=kind) for kind in ("direct", "adjoint"))
    point = torch.tensor([[0.3, -0.5]], dtype=FLOAT64)
    wanted = torch.autograd.functional.hessian(lambda y: direct(y).sum(), point)
    assert isinstance(wanted, Tensor)
    assert float(wanted.norm()) > 1e-3
    torch.testing.assert_close(torch.autograd.functional.hessian(lambda y: adjoint(y).sum(), point), wanted)
    torch.testing.assert_close(torch.func.hessian(lambda y: adjoint(y).sum())(point), wanted)
    parameters: Mapping[str, Tensor] = dict(field.named_parameters())

    def loss(values: Mapping[str, Tensor], net: NeuralODE) -> Tensor:
        named = {f"field.{name}": value for name, value in values.items()}
        return torch.func.functional_call(net, named, (point,)).sum()

    assert dict(torch.func.grad(loss)(parameters, adjoint)).keys() == parameters.keys()
    torch.testing.assert_close(torch.func.grad(loss)(parameters, adjoint), torch.func.grad(loss)(parameters, direct))


def test_second_derivatives_past_torchs_functions_are_refused() -> None:
    weight, _ = a_leaf()
    y0 = torch.ones(1, 2, dtype=FLOAT64, requires_grad=True)
    final = NeuralODE(of_a_custom_function(weight), 1.0, gradients="adjoint")(y0)
    with pytest.raises(NotImplementedError, match='second derivatives with `gradients` = "adjoint" need a field'):
        torch.autograd.grad(final.sum(), y0, create_graph=True)


class OneLayer(nn.Module):
    def __init__(self, activation: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3).double()
        self.activation = activation

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        return self.activation(self.layer(state))


def drawing_rarely() -> Callable[[Tensor], Tensor]:
    return lambda z: z * (torch.rand(len(z), 1, dtype=z.dtype) > 1e-9)


def drawing_from_its_own() -> Callable[[Tensor], Tensor]:
    generator = torch.Generator().manual_seed(0)
    return lambda z: z * torch.rand(z.shape, generator=generator, dtype=z.dtype)


def counting() -> Callable[[Tensor], Tensor]:
    calls: list[None] = []

    def activation(z: Tensor) -> Tensor:
        calls.append(None)
        return z * len(calls)

    return activation


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: nn.Dropout(0.5), "draws random numbers"),
        (nn.RReLU, "draws random numbers"),
        (lambda: lambda z: F.dropout(z, 0.5), "draws random numbers"),
        (drawing_rarely, "draws random numbers"),
        (drawing_from_its_own, "draws random numbers"),
        (counting, "gives another value at the same t and y"),
        (lambda: nn.BatchNorm1d(3).double(), "normalises by the batch"),
    ],
)
@pytest.mark.parametrize("as_function", [False, True])
def test_fields_that_are_no_fixed_function_are_refused(
    make: Callable[[], Callable[[Tensor], Tensor]], why: str, as_function: bool
) -> None:
    module = OneLayer(make())
    field: Field = (lambda t, y: module(t, y)) if as_function else module  # noqa: PLW0108 - no module
    y0 = torch.randn(4, 3, dtype=FLOAT64, requires_grad=True)
    name = "<lambda>" if as_function else "OneLayer"
    with pytest.raises(ValueError, match=rf'`gradients` = "adjoint" solves .* field {name} {why}'):
        NeuralODE(field, 1.0, gradients="adjoint")(y0)
    if isinstance(module.activation, nn.Module):
        module.eval()
        assert NeuralODE(field, 1.0, gradients="adjoint")(y0).requires_grad


def test_a_field_that_draws_later_is_refused() -> None:
    def field(time: Tensor, state: Tensor) -> Tensor:
        return state * torch.rand(()) if float(time.max()) > 0.5 else -state

    with pytest.raises(ValueError, match="field field draws random numbers"):
        NeuralODE(field, 1.0, gradients="adjoint")(torch.ones(1, 1, requires_grad=True))


def test_a_counter_of_evaluations_does_no_harm_and_stays_right() -> None:
    count = torch.zeros(())

    def field(time: Tensor, state: Tensor) -> Tensor:
        count.add_(1.0)
        return -state

    y0 = torch.ones(1, 1, requires_grad=True)
    final = NeuralODE(field, 1.0, gradients="adjoint")(y0)
    before = float(count)
    final.sum().backward()
    assert float(count) == before > 6
    assert float(y0.grad) == pytest.approx(math.exp(-1.0), rel=2e-3)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("backward_in_time", [False, True])
def test_jumps_and_either_direction_of_time_are_gone_back_over(backward_in_time: bool) -> None:
    """y′ = −θy before t = 0.5 and −3θy from there on: ln y(1) = ln y(0) − 2θ."""
    theta = torch.tensor(1.0, dtype=FLOAT64, requires_grad=True)

    def field(time: Tensor, state: Tensor) -> Tensor:
        return torch.where(broadcast_time(time, state) >= 0.5, -3.0, -1.0) * theta * state

    ends = (1.0, 0.0) if backward_in_time else (0.0, 1.0)
    net = NeuralODE(field, ends[1], start_time=ends[0], rtol=1e-8, atol=1e-8, gradients="adjoint", jump_times=[0.5])
    y0 = torch.tensor([[1.0], [2.0]], dtype=FLOAT64, requires_grad=True)
    final = net(y0)
    found = torch.autograd.grad(final.sum(), [y0, theta])
    sign = 1.0 if backward_in_time else -1.0
    growth = math.exp(2.0 * sign)
    torch.testing.assert_close(found[0], torch.full_like(y0, growth), rtol=1e-6, atol=0.0)
    assert float(found[1]) == pytest.approx(3.0 * growth * 2.0 * sign, rel=1e-6)
    assert net.last_solve is not None
    assert int(net.last_solve.accepted.max()) < 60
