"""Remembers what is computed once per layer within a block in which no weight changes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from torch import nn

from natrob_theory.layers.statements import Shape

Value = TypeVar("Value")

_remembered: ContextVar[dict[tuple[nn.Module, Shape, str], Any] | None] = ContextVar("_remembered", default=None)


@contextmanager
def constants_remembered() -> Iterator[None]:
    """Within the block each layer's Lipschitz constant is computed once; weights must not change."""
    token = _remembered.set({})
    try:
        yield
    finally:
        _remembered.reset(token)


def remembered(layer: nn.Module, input_shape: Shape, compute: Callable[[], Value], *, what: str = "constant") -> Value:
    """Returns what `compute` gave of this layer and shape before in the block; outside of one it always calls it."""
    known = _remembered.get()
    if known is None:
        return compute()
    key = (layer, tuple(input_shape), what)
    if key not in known:
        known[key] = compute()
    return known[key]
