"""Affine bounds: evaluated outward, inverted inward, parts that add up, nonsense refused."""

import math
import re
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from natrob_theory import AffineBound

positive = st.floats(1e-200, 1e100)


@given(positive, positive, positive)
def test_a_value_lies_above_the_exact_one(slope: float, constant: float, distance: float) -> None:
    bound = AffineBound(slope=slope, constant=constant, kind="upper")
    exact = Fraction(slope) * Fraction(distance) + Fraction(constant)
    assert exact <= Fraction(float(bound.at(distance))) <= exact * Fraction(1 + 1e-14)


@given(positive, positive, positive)
def test_a_distance_keeps_the_limit(slope: float, constant: float, limit: float) -> None:
    bound = AffineBound(slope=slope, constant=constant, kind="upper")
    distance = bound.distance_within(limit)
    assert isinstance(distance, float)
    if distance > 0:
        exact = Fraction(slope) * Fraction(distance) + Fraction(constant)
        assert exact <= Fraction(limit)
        assert Fraction(slope) * Fraction(distance * 1.01) + Fraction(constant) > Fraction(limit) * Fraction(99, 100)
    else:
        assert limit <= constant * (1 + 1e-14)


def test_one_number_per_sample_and_the_kind_stays() -> None:
    bound = AffineBound(
        slope=torch.tensor([1.0, 2.0]).double(), constant=torch.tensor([0.5, 0.0]).double(), kind="estimate",
        norm="Linf", assumptions=("as given",), source="here",
    )  # fmt: skip
    value = bound.at(torch.tensor([1.0, 0.25]).double())
    assert isinstance(value.value, torch.Tensor)
    torch.testing.assert_close(value.value, torch.tensor([1.5, 0.5]).double())
    assert (value.kind, value.norm, value.assumptions, value.source) == ("estimate", "Linf", ("as given",), "here")
    distance = bound.distance_within(1.0)
    assert isinstance(distance, torch.Tensor)
    torch.testing.assert_close(distance, torch.tensor([0.5, 0.5]).double())
    assert float(AffineBound(slope=0.0, constant=0.0, kind="upper").at(3.0)) == 0.0


def test_overflow_is_useless_and_true() -> None:
    bound = AffineBound(slope=math.inf, constant=1.0, kind="upper")
    assert float(bound.at(0.0)) == pytest.approx(1.0)
    assert float(bound.at(1e-300)) == math.inf
    assert bound.distance_within(5.0) == 0.0
    assert AffineBound(slope=1.0, constant=math.inf, kind="upper").distance_within(math.inf) == 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"slope": -1.0, "constant": 0.0, "kind": "upper"}, "`slope` must be at least 0 and not NaN, got -1.0"),
        ({"slope": 1.0, "constant": math.nan, "kind": "upper"}, "`constant` must be at least 0 and not NaN, got nan"),
    ],
)
def test_nonsense_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        AffineBound(**arguments)  # type: ignore[arg-type]


@pytest.mark.usefixtures("unchecked")
def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match='`kind` must be "lower", "upper" or "estimate", got \'exact\''):
        AffineBound(slope=1.0, constant=0.0, kind="exact")  # type: ignore[arg-type]


def test_bad_distances_are_refused() -> None:
    bound = AffineBound(slope=1.0, constant=0.0, kind="upper")
    with pytest.raises(ValueError, match=re.escape("`distance` must be at least 0 and not NaN, got -1.0")):
        bound.at(-1.0)
    with pytest.raises(ValueError, match="`limit` must not be NaN, got nan"):
        bound.distance_within(math.nan)
