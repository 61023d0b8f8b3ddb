"""RevNet that keeps only its ends for backward: the same gradients, and as much memory at any depth."""

from collections.abc import Callable
from typing import Literal

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_theory import RevNet, convolutional_field, dense_field
from natrob_theory.strategies import KnownField, fields, perturbations, step_sizes

PAIR = (dense_field(2, 5).double(), dense_field(2, 5).double())


def gradients(net: RevNet, y0: Tensor) -> list[Tensor]:
    y0 = y0.clone().requires_grad_()
    weights = torch.linspace(0.5, 1.5, y0.numel(), dtype=y0.dtype).view(y0.shape)
    loss = (weights * net(y0).sin()).sum()
    return list(torch.autograd.grad(loss, [y0, *net.parameters()], allow_unused=True, materialize_grads=True))


def saved_entries(net: RevNet, y0: Tensor) -> int:
    """The entries of all tensors that backward keeps, parameters aside."""
    kept: dict[int, int] = {}
    parameters = {parameter.data_ptr() for parameter in net.parameters()}

    def note(tensor: Tensor) -> Tensor:
        if tensor.data_ptr() not in parameters:
            kept[tensor.data_ptr()] = tensor.numel()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        final = net(y0)
    assert final.requires_grad
    return sum(kept.values())


@given(
    first=fields(dimension=2),
    second=fields(dimension=2),
    step_size=step_sizes(1e-3, 0.3),
    steps=st.integers(1, 5),
    y0=perturbations((3, 4)),
)
def test_the_state_is_the_same_to_the_last_bit(
    first: KnownField, second: KnownField, step_size: float, steps: int, y0: Tensor
) -> None:
    stored, reversible = (
        RevNet((first.field, second.field), step_size, steps, memory=memory) for memory in ("stored", "reversible")
    )
    torch.testing.assert_close(reversible(y0.requires_grad_()), stored(y0), rtol=0.0, atol=0.0)


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_gradients_of_shared_fields_are_those_of_the_stored_passage(steps: int) -> None:
    pair = tuple(nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 2)).double() for _ in range(2))
    first, second = (timed_field(part) for part in pair)
    y0 = torch.randn(3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    wanted = gradients(RevNet((first, second), 0.3, steps), y0)
    got = gradients(RevNet((first, second), 0.3, steps, memory="reversible"), y0)
    assert len(got) == 9
    assert all(float(one.abs().max()) > 0 for one in got)
    torch.testing.assert_close(got, wanted, rtol=1e-12, atol=1e-13)


def timed_field(network: nn.Module) -> nn.Module:
    class TimedField(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, time: Tensor, state: Tensor) -> Tensor:
            return torch.cos(time) * self.network(state)

    return TimedField()


def test_gradients_of_one_pair_per_step_on_images() -> None:
    pairs = [(convolutional_field(2, 3).double(), convolutional_field(2, 3).double()) for _ in range(3)]
    y0 = torch.randn(2, 4, 5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    wanted = gradients(RevNet(pairs, 0.3), y0)
    torch.testing.assert_close(gradients(RevNet(pairs, 0.3, memory="reversible"), y0), wanted, rtol=1e-12, atol=1e-13)


def test_float32_gradients_differ_by_roundings_the_way_back_has_grown() -> None:
    pair = (dense_field(2, 5), dense_field(2, 5))
    y0 = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    wanted = gradients(RevNet(pair, 0.1, 20), y0)
    got = gradients(RevNet(pair, 0.1, 20, memory="reversible"), y0)
    torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-4)


def test_memory_for_backward_is_two_states_at_any_depth() -> None:
    y0 = torch.ones(3, 4, dtype=torch.float64)
    assert [saved_entries(RevNet(PAIR, 0.1, n, memory="reversible"), y0) for n in (1, 10, 100)] == [24, 24, 24]
    stored = [saved_entries(RevNet(PAIR, 0.1, n), y0) for n in (1, 10, 100)]
    assert stored[2] > 9 * stored[1] > 80 * stored[0]


def test_frozen_fields_and_unused_parameters_do_no_harm() -> None:
    frozen = dense_field(2, 5).double().requires_grad_(False)
    y0 = torch.ones(2, 4, dtype=torch.float64)
    net = RevNet((frozen, PAIR[1]), 0.1, 3, memory="reversible")
    net(y0).sum().backward()
    assert all(parameter.grad is None for parameter in frozen.parameters())
    PAIR[1].zero_grad()
    frozen_net = RevNet((frozen, frozen), 0.1, 3, memory="reversible")
    assert not frozen_net(y0).requires_grad
    with torch.no_grad():
        assert not net(y0).requires_grad


class OneLayer(nn.Module):
    def __init__(self, activation: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4, bias=False, dtype=torch.float64)
        weights = torch.randn(4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        self.layer.weight.data = weights
        self.activation = activation

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        return self.activation(self.layer(state))


MEMORIES: tuple[Literal["stored", "reversible"], ...] = ("stored", "reversible")


@pytest.mark.parametrize("as_function", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Dropout(0.5),
        lambda: nn.RReLU(0.1, 0.9),
        lambda: lambda z: F.dropout(z, 0.5),
        lambda: lambda z: z * torch.rand_like(z),
        lambda: nn.BatchNorm1d(4, dtype=torch.float64),
    ],
    ids=["Dropout", "RReLU", "F.dropout", "rand", "BatchNorm"],
)
def test_random_layers_draw_the_same_again_and_statistics_are_updated_once(
    make: Callable[[], Callable[[Tensor], Tensor]], as_function: bool
) -> None:
    found = []
    for memory in MEMORIES:
        field = OneLayer(make())
        given = (lambda t, y, f=field: f(t, y)) if as_function else field
        torch.manual_seed(1)
        y0 = torch.linspace(-1.0, 1.0, 24, dtype=torch.float64).view(3, 8).requires_grad_()
        final = RevNet((given, given), 0.5, 3, memory=memory)(y0)
        drawn = torch.rand(1)
        found.append([final, drawn, *torch.autograd.grad(final.pow(2).sum(), [y0, field.layer.weight])])
        found[-1] += [*field.buffers(), torch.rand(1)]
    torch.testing.assert_close(found[1], found[0], rtol=1e-9, atol=1e-9)


def test_fields_that_do_not_repeat_themselves_are_refused() -> None:
    generator = torch.Generator().manual_seed(0)
    field = OneLayer(lambda z: z * torch.rand(z.shape, generator=generator, dtype=z.dtype))
    changed = OneLayer(torch.tanh)
    for one in (field, changed):
        final = RevNet((one, one), 0.1, 3, memory="reversible")(torch.ones(3, 8, dtype=torch.float64))
        if one is changed:
            changed.activation = torch.sin
        with pytest.raises(ValueError, match=r'`memory` = "reversible" takes every step again .* gave other values'):
            final.sum().backward()


def strongly_coupled() -> list[tuple[nn.Module, nn.Module]]:
    """Fifty pairs of tanh layers with large weights: rounding grows to the size of the states and beyond."""
    generator = torch.Generator().manual_seed(0)

    def field() -> nn.Module:
        net = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8))
        for parameter in net.parameters():
            parameter.data = 2.0 * torch.randn(parameter.shape, generator=generator)
        return timed_field(net)

    return [(field(), field()) for _ in range(50)]


def test_gradients_are_right_where_the_inverse_drifts_in_float32() -> None:
    pairs = strongly_coupled()
    y0 = torch.randn(4, 16, generator=torch.Generator().manual_seed(1))
    found = []
    for memory in MEMORIES:
        net = RevNet(pairs, 1.0, memory=memory)
        found.append(
            torch.cat([part.flatten() for part in torch.autograd.grad(net(y0).norm(), list(net.parameters()))])
        )
    assert float((found[1] - found[0]).norm() / found[0].norm()) < 1e-3


def test_an_inverse_that_drifts_warns() -> None:
    net = RevNet(strongly_coupled(), 1.0)
    y0 = torch.randn(4, 16, generator=torch.Generator().manual_seed(1))
    with torch.no_grad(), pytest.warns(RuntimeWarning, match="`inverse` does not come back"):
        net.inverse(net(y0))


@pytest.mark.parametrize("computed", [False, True])
def test_tensors_that_no_module_owns_get_their_gradient(computed: bool) -> None:
    found = []
    for memory in MEMORIES:
        theta = torch.linspace(-1.0, 1.0, 4, dtype=torch.float64).view(2, 2).requires_grad_()
        weight = theta.exp() if computed else theta
        net = RevNet(
            (lambda t, y, w=weight: torch.tanh(y @ w), lambda t, y, w=weight: y @ w.t()), 0.2, 3, memory=memory
        )
        y0 = torch.ones(2, 4, dtype=torch.float64, requires_grad=True)
        loss = net(y0).pow(2).sum() + weight.sum()
        found.append(torch.autograd.grad(loss, [theta, weight]))
    torch.testing.assert_close(found[1], found[0], rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("constant", [True, False])
def test_second_derivatives_are_those_of_the_stored_passage(constant: bool) -> None:
    found = []
    for memory in MEMORIES:
        field = OneLayer(torch.tanh)
        y0 = torch.linspace(-1.0, 1.0, 16, dtype=torch.float64).view(2, 8).requires_grad_()
        final = RevNet((field, field), 0.3, 2, memory=memory)(y0)
        loss = final.sum() if constant else final.pow(2).sum()
        (gradient,) = torch.autograd.grad(loss, y0, create_graph=True)
        found.append(torch.autograd.grad(gradient.pow(2).sum(), [y0, field.layer.weight]))
    assert float(found[0][1].norm()) > 0
    torch.testing.assert_close(found[1], found[0], rtol=1e-9, atol=1e-9)


def test_other_words_are_refused(unchecked: None) -> None:
    with pytest.raises(ValueError, match="`memory` must be one of"):
        RevNet(PAIR, 0.1, 3, memory="flat")  # pyright: ignore[reportArgumentType]
