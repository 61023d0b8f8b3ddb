import dataclasses
import math

import pytest
import torch

from natrob_theory import Bound, EulerNet, LinearField, discrete_bound, exponential_bound
from natrob_theory.numbers.bound import BoundKind, describe_lipschitz, kind_from_lipschitz, lipschitz_value


def constant(kind: BoundKind, value: float = 2.0) -> Bound:
    return Bound(value=value, kind=kind, source="a search")


def test_kind_must_be_one_of_three(unchecked: None) -> None:
    with pytest.raises(ValueError, match='`kind` must be "lower", "upper" or "estimate", got \'exact\''):
        Bound(value=1.0, kind="exact")  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [math.nan, torch.tensor([1.0, math.nan])])
def test_nan_is_no_bound(value: float | torch.Tensor) -> None:
    with pytest.raises(ValueError, match="`value` must not be NaN"):
        Bound(value=value, kind="upper")


def test_infinity_is_a_bound_and_bounds_are_frozen() -> None:
    bound = Bound(value=math.inf, kind="upper")
    assert float(bound) == math.inf
    assert bound.norm == "L2"
    with pytest.raises(dataclasses.FrozenInstanceError):
        bound.value = 1.0  # type: ignore[misc]


@pytest.mark.parametrize(("given_kind", "kind"), [("upper", "upper"), ("lower", "estimate"), ("estimate", "estimate")])
def test_kind_propagates_through_every_bound(given_kind: BoundKind, kind: str) -> None:
    lipschitz = constant(given_kind)
    net = EulerNet(LinearField(torch.eye(2)), 0.1, 3)
    assert kind_from_lipschitz(lipschitz) == kind
    assert discrete_bound(0.1, lipschitz, 3).kind == kind
    assert exponential_bound(lipschitz, 0.0, 1.0).kind == kind
    assert net.growth_bound(lipschitz).kind == kind
    # One doubtful constant among true ones is enough.
    assert net.growth_bound([2.0, lipschitz, 2.0]).kind == kind


def test_a_plain_number_is_taken_as_an_upper_bound() -> None:
    assert kind_from_lipschitz(2.0) == "upper"
    assert discrete_bound(0.1, 2.0, 3).kind == "upper"


def test_assumptions_say_which_constant_the_bound_rests_on() -> None:
    assert describe_lipschitz(2.0) == "f(t, ·) has Lipschitz constant at most K = 2, as given"
    assert describe_lipschitz(constant("upper")) == "K = 2, an upper bound from: a search"
    assert describe_lipschitz(constant("lower")) == "K = 2, a lower bound from: a search"
    assert describe_lipschitz(constant("estimate")) == "K = 2, an estimate from: a search"
    assert describe_lipschitz(Bound(value=2.0, kind="lower")).endswith("unnamed")
    assert describe_lipschitz(2.0) in discrete_bound(0.1, 2.0, 3).assumptions


@pytest.mark.parametrize("value", [-0.5, math.nan, math.inf])
def test_constants_must_be_finite_and_nonnegative(value: float) -> None:
    with pytest.raises(ValueError, match="`lipschitz` must be"):
        lipschitz_value(value)


def test_the_number_in_a_bound() -> None:
    assert lipschitz_value(constant("lower", 3.0)) == 3.0
    assert lipschitz_value(0.0) == 0.0
    with pytest.raises(ValueError, match="`lipschitz` must be finite, got inf"):
        lipschitz_value(constant("upper", math.inf))


def test_one_number_over_the_samples_is_the_one_that_holds_for_all() -> None:
    values = torch.tensor([2.0, 3.0], dtype=torch.float64)
    assert Bound(value=values, kind="upper").over_samples().value == 3.0
    assert Bound(value=values, kind="estimate").over_samples().value == 3.0
    assert Bound(value=values, kind="lower").over_samples().value == 2.0
    single = Bound(value=1.5, kind="upper")
    assert single.over_samples() is single
