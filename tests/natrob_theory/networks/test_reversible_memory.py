"""RevNet that keeps only y_N for backward: the same gradients, and as much memory at any depth."""

from typing import Any

import pytest
import torch
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


def test_memory_for_backward_is_one_state_at_any_depth() -> None:
    y0 = torch.ones(3, 4, dtype=torch.float64)
    assert [saved_entries(RevNet(PAIR, 0.1, n, memory="reversible"), y0) for n in (1, 10, 100)] == [12, 12, 12]
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


@pytest.mark.parametrize("layer", [nn.Dropout(0.5), nn.BatchNorm1d(2)])
def test_fields_that_do_not_repeat_themselves_are_refused(layer: Any) -> None:
    field = timed_field(nn.Sequential(nn.Linear(2, 2), layer))
    net = RevNet((field, field), 0.1, 3, memory="reversible")
    with pytest.raises(ValueError, match=rf"`memory` = \"reversible\".* got {type(layer).__name__} in training mode"):
        net(torch.ones(3, 4))
    assert net.eval()(torch.ones(3, 4)).requires_grad


def test_other_words_are_refused(unchecked: None) -> None:
    with pytest.raises(ValueError, match="`memory` must be one of"):
        RevNet(PAIR, 0.1, 3, memory="flat")  # pyright: ignore[reportArgumentType]
