"""A watched time notices every use of it, and nothing else."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from natrob_theory import LinearField, ScaledField, SumField, broadcast_time, dense_field
from natrob_theory.fields import FunctionField, TimelessField, WatchedField

IGNORING = {
    "function": lambda _t, y: -y,
    "linear": LinearField(torch.eye(2)),
    "dense": dense_field(2, 3),
    "scaled sum": ScaledField(SumField([LinearField(torch.eye(2)), dense_field(2, 3)]), 2.0),
}
LOOKING = {
    "product": lambda t, y: broadcast_time(t, y) * y,
    "comparison": lambda t, y: torch.where(broadcast_time(t, y) > 5, y, -y),
    "number": lambda t, y: float(t.max()) * y,
    "item": lambda t, y: t[0].item() * y,
    "numpy": lambda t, y: float(t.numpy()[0]) * y,
    "branch": lambda t, y: y if bool((t > 5).any()) else -y,
    "shape": lambda t, y: len(t) * y,
    "keyword": lambda t, y: torch.where(input=y, condition=(t > 5)[:, None], other=-y),
    "in a list": lambda t, y: torch.stack([t, t], dim=1) * y,
    "inside a module": SumField([LinearField(torch.eye(2)), FunctionField(lambda t, y: t[:, None] * y)]),
}


@pytest.mark.parametrize("name", IGNORING)
def test_a_field_that_ignores_time_is_known(name: str) -> None:
    state = torch.ones(3, 2)
    watched = WatchedField(IGNORING[name])
    value = watched(torch.zeros(3), state)
    assert not watched.looks_at_time
    assert torch.equal(value, IGNORING[name](torch.zeros(3), state))
    assert torch.equal(TimelessField(IGNORING[name], "no")(torch.zeros(3), state), value)


@pytest.mark.parametrize("name", LOOKING)
def test_a_field_that_uses_time_in_any_way_is_known(name: str) -> None:
    state = torch.ones(3, 2)
    watched = WatchedField(LOOKING[name])
    value = watched(torch.full((3,), 2.0), state)
    assert watched.looks_at_time
    assert type(value) is Tensor
    assert torch.equal(value, LOOKING[name](torch.full((3,), 2.0), state))
    with pytest.raises(ValueError, match="not at this time"):
        TimelessField(LOOKING[name], "not at this time")(torch.zeros(3), state)


def test_one_look_is_remembered() -> None:
    looking: list[bool] = [True, False]
    field: Callable[[Tensor, Tensor], Tensor] = lambda t, y: y + t[0] if looking.pop(0) else y  # noqa: E731
    watched = WatchedField(field)
    for _ in range(2):
        watched(torch.zeros(1), torch.ones(1, 1))
    assert watched.looks_at_time


def test_gradients_pass_a_watched_field() -> None:
    field = nn.Linear(2, 2)
    watched = WatchedField(lambda _t, y: field(y))
    watched(torch.zeros(1), torch.ones(1, 2)).sum().backward()
    assert field.weight.grad is not None
