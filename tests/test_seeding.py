"""Global random numbers of a test and of a fixture come from their names, whatever ran before."""

import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from seeding import seed_global_generators

Draws = tuple[float, float, float]


def draws() -> Draws:
    return float(torch.rand(())), float(np.random.random()), random.random()  # noqa: NPY002


@pytest.fixture(scope="module")
def drawn_once() -> Draws:
    return draws()


def test_a_fixture_draws_from_its_own_name_whichever_test_asks_for_it_first(drawn_once: Draws) -> None:
    seed_global_generators("tests/test_seeding.py::drawn_once[0]")
    assert draws() == drawn_once


@pytest.mark.parametrize("case", range(2))
def test_a_test_draws_from_its_own_name(request: pytest.FixtureRequest, case: int) -> None:
    drawn = draws()
    seed_global_generators(request.node.nodeid)
    assert draws() == drawn
    seed_global_generators(f"another name {case}")
    assert draws() != drawn


FIRST_DRAWS: set[float] = set()


@given(st.integers(0, 9))
def test_every_example_of_hypothesis_starts_with_the_same_numbers(number: int) -> None:
    FIRST_DRAWS.add(float(torch.rand(())))
    assert len(FIRST_DRAWS) == 1
