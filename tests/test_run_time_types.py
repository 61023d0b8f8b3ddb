"""The checks of annotations that every other test runs under."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jaxtyping
import pytest
import torch
from jaxtyping import Float
from run_time_types import checked
from torch import Tensor

import natrob_theory

VIOLATIONS = jaxtyping.TypeCheckError
Rows = Float[Tensor, "batch d"]


@checked
def cut(rows: Rows, keep: int, other: Rows | None = None) -> Float[Tensor, "batch"]:
    return rows.flatten()[:keep]


@checked
def halves(numbers: list[int]) -> Float[Tensor, "{count}"]:
    return torch.ones(len(numbers))


@checked
@dataclass(frozen=True, kw_only=True)
class Pair:
    left: Rows
    right: Float[Tensor, "batch"]


@checked
def later(pair: "Pair") -> "Absent":  # type: ignore[name-defined]
    return pair


@checked
def rising(start: int) -> Iterator[int]:
    yield start


def test_what_fits_passes() -> None:
    assert cut(torch.ones(3, 2), 3, torch.zeros(3, 2)).shape == (3,)
    assert later(Pair(left=torch.ones(3, 2), right=torch.ones(3))).right.shape == (3,)
    assert list(rising(2)) == [2]


@pytest.mark.parametrize(
    "call",
    [
        lambda: cut(torch.ones(3), 3),
        lambda: cut(torch.ones(3, 2, dtype=torch.int64), 3),
        lambda: cut(torch.ones(3, 2), 3.0),
        lambda: cut(torch.ones(3, 2), 3, torch.zeros(3, 1)),
        lambda: cut(torch.ones(3, 2), 2),
        lambda: Pair(left=torch.ones(3, 2), right=torch.ones(2)),
        lambda: later(3),
        lambda: rising(2.5),
        lambda: checked(typechecker=len)(cut.__wrapped__)(torch.ones(3), 3),
    ],
    ids=[
        "rank", "dtype", "number", "axis of two arguments", "axis of the result", "constructor", "name in quotes",
        "generator", "decorator with an argument",
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call: Callable[[], Any]) -> None:
    with pytest.raises(VIOLATIONS):
        call()


def test_an_axis_may_name_an_argument() -> None:
    @checked
    def ones(count: int, length: int) -> Float[Tensor, "{count}"]:
        return torch.ones(length)

    assert ones(3, 3).shape == (3,)
    with pytest.raises(VIOLATIONS):
        ones(3, 2)


def test_axes_of_two_calls_are_not_bound_together_and_those_around_a_call_stay() -> None:
    @checked
    def outer(rows: Rows) -> Float[Tensor, "batch"]:
        return cut(torch.ones(5, 7), 5)[: len(rows)]

    assert outer(torch.ones(3, 2)).shape == (3,)
    with pytest.raises(VIOLATIONS):
        outer(torch.ones(6, 2))


@pytest.mark.usefixtures("unchecked")
def test_the_checks_can_be_switched_off() -> None:
    assert cut(torch.ones(3), 2).shape == (2,)


@pytest.mark.parametrize(
    "call",
    [
        lambda: natrob_theory.discrete_bound("0.1", 1.0, 2),  # type: ignore[arg-type]
        lambda: natrob_theory.Bound(1.0, kind="about", norm="L2"),  # type: ignore[arg-type]
        lambda: natrob_theory.EulerNet(lambda _t, y: y, step_size=0.1, num_steps=1)([1.0]),
    ],
    ids=["function", "constructor", "method"],
)
def test_the_packages_are_checked(call: Callable[[], Any]) -> None:
    with pytest.raises(VIOLATIONS):
        call()
