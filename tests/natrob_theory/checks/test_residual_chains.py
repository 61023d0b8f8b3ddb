"""Pairs through residual blocks: never above their bound, on it in the linear case, and a smaller bound is caught."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_theory import Bound, BoundCheck
from natrob_theory.checks.residual_chains import ResidualConstants, ResidualStep, check_residual_bound, residual_growth
from natrob_theory.spectra.singular_values import matrix_norm_upper


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def identity(y: Tensor) -> Tensor:
    return y


def linear_step(slope: float, step_size: float) -> ResidualStep:
    """y ↦ y + h·slope·y: the growth is 1 + h·slope for a positive slope."""
    return ResidualStep(branch=lambda y: slope * y, shortcut=identity, activation=identity, step_size=step_size)


@given(
    sizes=st.lists(st.integers(1, 5), min_size=2, max_size=4),
    step_size=st.floats(-2.0, 2.0),
    seed=st.integers(0, 1000),
)
def test_measured_is_below_the_pairs_bound_and_that_below_the_upper(
    sizes: list[int], step_size: float, seed: int
) -> None:
    steps, constants = [], []
    for number, (inputs, outputs) in enumerate(pairwise(sizes)):
        shortcut, branch = normal(outputs, inputs, seed=seed + number), normal(outputs, inputs, seed=seed + number + 7)
        steps.append(
            ResidualStep(
                branch=lambda y, w=branch: torch.relu(y @ w.T), shortcut=lambda y, w=shortcut: y @ w.T,
                activation=torch.relu, step_size=step_size, shortcut_layers=1,
            )
        )  # fmt: skip
        constants.append(ResidualConstants(branch=matrix_norm_upper(branch), shortcut=matrix_norm_upper(shortcut)))
    y0, perturbation = normal(6, sizes[0], seed=seed + 100), normal(6, sizes[0], seed=seed + 200)
    paired = check_residual_bound(steps, y0, perturbation)
    from_upper = check_residual_bound(steps, y0, perturbation, constants=constants)
    assert paired.all_hold
    assert from_upper.all_hold
    assert bool((paired.bound <= from_upper.bound * (1 + 1e-12)).all())
    assert float(paired.allowance.max()) <= 1e-9 * (1.0 + float(paired.bound.max()))


def check_linear(*, slope_constant: float) -> BoundCheck:
    y0, perturbation = normal(3, 4, seed=0), 0.01 * normal(3, 4, seed=1)
    steps = [linear_step(2.0, 0.5), linear_step(2.0, 1.5)]
    constants = [ResidualConstants(branch=slope_constant, shortcut=1.0)] * 2
    return check_residual_bound(steps, y0, perturbation, constants=constants)


def test_a_linear_chain_is_on_its_bound_and_one_percent_less_is_caught() -> None:
    check = check_linear(slope_constant=2.0)
    assert check.all_hold
    torch.testing.assert_close(check.ratio, torch.ones_like(check.ratio), rtol=1e-12, atol=0.0)
    assert float(check.bound[-1, 0] / check.bound[0, 0]) == pytest.approx(2.0 * 4.0)
    torch.testing.assert_close(check.times, torch.tensor([0.0, 0.5, 2.0], dtype=torch.float64))
    assert not bool(check_linear(slope_constant=2.0 * 0.99).holds[1:].any())


def test_secants_are_on_the_bound_of_a_linear_chain_too() -> None:
    check = check_residual_bound([linear_step(3.0, 1.0)], normal(2, 4, seed=0), normal(2, 4, seed=1))
    torch.testing.assert_close(check.ratio, torch.ones_like(check.ratio), rtol=1e-12, atol=0.0)
    assert check.kind == "upper"


def test_two_solutions_that_start_as_one_stay_one() -> None:
    y0 = normal(2, 4, seed=0)
    check = check_residual_bound([linear_step(3.0, 1.0)], y0, torch.zeros_like(y0))
    assert check.all_hold
    assert float(check.distance.max()) == 0.0


def test_infinite_constants_give_an_infinite_bound_and_no_crash() -> None:
    steps = [linear_step(1.0, 1.0)] * 2
    constants = [ResidualConstants(branch=float("inf"), shortcut=1.0), ResidualConstants(branch=0.0, shortcut=0.0)]
    check = check_residual_bound(steps, normal(2, 4, seed=0), normal(2, 4, seed=1), constants=constants)
    assert check.all_hold
    assert bool(torch.isinf(check.bound[1:]).all())
    assert float(residual_growth(0.0, branch=float("inf"), shortcut=1.0)) == float("inf")


def test_a_constant_that_is_no_upper_bound_makes_an_estimate() -> None:
    lower = Bound(value=2.0, kind="lower", source="a search")
    constants = [ResidualConstants(branch=lower, shortcut=1.0)]
    check = check_residual_bound(
        [linear_step(2.0, 1.0)], normal(2, 4, seed=0), normal(2, 4, seed=1), constants=constants
    )
    assert check.kind == "estimate"


def test_bad_arguments() -> None:
    y0 = normal(2, 4, seed=0)
    with pytest.raises(ValueError, match="at least one block"):
        check_residual_bound([], y0, y0)
    constants = [ResidualConstants(branch=1.0, shortcut=1.0)] * 2
    with pytest.raises(ValueError, match="one entry per block, 1, got 2"):
        check_residual_bound([linear_step(1.0, 1.0)], y0, y0, constants=constants)
    with pytest.raises(OverflowError, match="after block 2"):
        check_residual_bound([linear_step(1e200, 1.0)] * 2, y0, y0)
    with pytest.raises(ValueError, match="step_size"):
        ResidualStep(branch=nn.ReLU(), shortcut=identity, activation=identity, step_size=float("nan"))
