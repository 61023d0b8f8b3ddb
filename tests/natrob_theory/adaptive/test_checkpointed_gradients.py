"""Checkpointed gradients are those of the very pass that was run, and a pass that is dropped leaves nothing behind."""

import gc
import weakref
from collections.abc import Callable
from typing import Literal

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from natrob_theory import BOGACKI_SHAMPINE, DOPRI5, FEHLBERG45, HEUN_EULER, ButcherTableau, NeuralODE
from natrob_theory.numbers.tensor_types import Field

Kind = Literal["direct", "checkpointed", "adjoint"]
Activation = Callable[[Tensor], Tensor]


class OneLayer(nn.Module):
    def __init__(self, activation: Activation, width: int = 4, dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.layer = nn.Linear(width, width, bias=False, dtype=dtype)
        self.layer.weight.data = torch.randn(width, width, generator=generator, dtype=torch.float64).to(dtype)
        self.activation = activation

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        return self.activation(self.layer(state))


def as_module(field: OneLayer) -> Field:
    return field


def as_function(field: OneLayer) -> Field:
    return lambda t, y: field(t, y)  # noqa: PLW0108 - a function that is no module


FORMS = pytest.mark.parametrize("form", [as_module, as_function])


def pass_and_gradients(field: OneLayer, net: NeuralODE, batch: int, dtype: torch.dtype) -> list[Tensor]:
    torch.manual_seed(1)
    y0 = torch.linspace(-1.0, 1.0, 4 * batch, dtype=dtype).view(batch, 4).requires_grad_()
    final = net(y0)
    after = torch.rand(1)  # what is drawn later must not change either
    return [final.detach(), after, *torch.autograd.grad(final.pow(2).sum(), [y0, field.layer.weight])]


@FORMS
@pytest.mark.parametrize(
    "tableau", [DOPRI5, FEHLBERG45, BOGACKI_SHAMPINE, HEUN_EULER], ids=lambda tableau: tableau.name
)
@pytest.mark.parametrize(
    "activation",
    [
        nn.Dropout(0.5),
        nn.RReLU(0.1, 0.9),
        lambda z: F.dropout(z, 0.5),
        lambda z: z * torch.rand_like(z),
        lambda z: z * torch.bernoulli(torch.full_like(z, 0.5)),
        lambda z: z + torch.randn(len(z), 1, dtype=z.dtype),
    ],
    ids=["Dropout", "RReLU", "F.dropout", "rand", "bernoulli", "noise"],
)
def test_random_layers_draw_the_same_again(
    activation: Activation, tableau: ButcherTableau, form: Callable[[OneLayer], Field]
) -> None:
    for batch, dtype in ((2, torch.float64), (7, torch.float32)):
        found = {}
        for kind in ("direct", "checkpointed"):
            field = OneLayer(activation, dtype=dtype)
            net = NeuralODE(form(field), 1.0, rtol=10.0, atol=10.0, tableau=tableau, gradients=kind)
            found[kind] = pass_and_gradients(field, net, batch, dtype)
        torch.testing.assert_close(found["checkpointed"], found["direct"], rtol=1e-5, atol=1e-6)


def own_generator() -> Activation:
    generator = torch.Generator().manual_seed(0)
    return lambda z: z * torch.rand(z.shape, generator=generator, dtype=z.dtype)


def own_counter() -> Activation:
    calls: list[None] = []

    def activation(z: Tensor) -> Tensor:
        calls.append(None)
        return z * (1.0 + 0.1 * len(calls))

    return activation


@FORMS
@pytest.mark.parametrize("make", [own_generator, own_counter])
def test_fields_that_do_not_repeat_themselves_are_refused(
    make: Callable[[], Activation], form: Callable[[OneLayer], Field]
) -> None:
    net = NeuralODE(form(OneLayer(make())), 1.0, rtol=10.0, atol=10.0, gradients="checkpointed")
    final = net(torch.ones(2, 4, dtype=torch.float64))
    with pytest.raises(
        ValueError, match=r'`gradients` = "checkpointed" evaluates the field again .* gave other values'
    ):
        final.sum().backward()


def test_weights_changed_before_backward_are_refused() -> None:
    field = OneLayer(torch.tanh)
    final = NeuralODE(field, 1.0, gradients="checkpointed")(torch.ones(2, 4, dtype=torch.float64))
    with torch.no_grad():
        field.layer.weight.mul_(1.1)
    with pytest.raises(ValueError, match="field OneLayer gave other values there"):
        final.sum().backward()


@FORMS
def test_running_statistics_are_updated_once(form: Callable[[OneLayer], Field]) -> None:
    found = {}
    for kind in ("direct", "checkpointed"):
        normalisation = nn.BatchNorm1d(4, dtype=torch.float64)
        field = OneLayer(
            lambda z, layer=normalisation: layer(torch.cat([z, 1.0 - z]))[: len(z)]
        )  # one row has no variance
        net = NeuralODE(form(field), 1.0, gradients=kind)
        found[kind] = [*pass_and_gradients(field, net, 5, torch.float64), *normalisation.buffers()]
    torch.testing.assert_close(found["checkpointed"], found["direct"], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", ["direct", "checkpointed", "adjoint"])
def test_a_dropped_pass_leaves_nothing_behind(kind: Kind) -> None:
    seen: list[weakref.ref[Tensor]] = []
    weight = torch.eye(4, dtype=torch.float64, requires_grad=True)

    def field(time: Tensor, state: Tensor) -> Tensor:
        value = torch.tanh(state @ weight)
        seen.extend((weakref.ref(value), weakref.ref(state)))
        return value

    net = NeuralODE(field, 2.0, rtol=1e-6, atol=1e-6, gradients=kind)
    for _ in range(3):
        net(torch.ones(2, 4, dtype=torch.float64))
    gc.collect()
    assert len(seen) > 60
    assert not [kept for kept in seen if kept() is not None]


def test_under_torch_func_checkpointed_gradients_are_direct_ones() -> None:
    field, y0 = OneLayer(torch.tanh), torch.linspace(-1.0, 1.0, 4, dtype=torch.float64)[None]
    direct, checkpointed = (
        torch.func.jacrev(NeuralODE(field, 1.0, gradients=kind))(y0) for kind in ("direct", "checkpointed")
    )
    torch.testing.assert_close(checkpointed, direct, rtol=1e-14, atol=1e-14)


def test_second_derivatives_are_the_direct_ones() -> None:
    found = []
    for kind in ("direct", "checkpointed"):
        field = OneLayer(torch.tanh)
        y0 = torch.linspace(-1.0, 1.0, 8, dtype=torch.float64).view(2, 4).requires_grad_()
        final = NeuralODE(field, 1.0, gradients=kind)(y0)
        (gradient,) = torch.autograd.grad(final.sum(), y0, create_graph=True)  # a cotangent that is constant
        found.append(torch.autograd.grad(gradient.pow(2).sum(), [y0, field.layer.weight]))
    torch.testing.assert_close(found[1], found[0], rtol=1e-12, atol=1e-12)
