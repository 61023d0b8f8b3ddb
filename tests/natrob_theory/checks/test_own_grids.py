"""Two adaptive solves on their own grids against the theorem, and what the older checks say beside it."""

import math
import re
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from benchmarks.adaptive_bounds import pairs_across_a_jump, wave
from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    HEUN_EULER,
    AffineBound,
    Bound,
    EulerNet,
    GradientFlowField,
    LinearField,
    NeuralODE,
    adaptive_affine_bound,
    check_affine_bound,
    check_bound,
    compare_on_own_grids,
    lipschitz_upper_bound,
)
from natrob_theory.bounds.adaptive import FlowConstants, RecordedSolve
from natrob_theory.checks import ZigzagField, own_grids
from natrob_theory.checks.solve_allowance import solve_allowance


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def numbers(value: Any) -> Tensor:
    assert isinstance(value, Tensor)
    return value


def test_the_theorem_stands_beside_the_estimate() -> None:
    net = NeuralODE(wave, 2.0, rtol=1e-4, atol=1e-4, max_step_size=0.25, tableau=BOGACKI_SHAMPINE)
    y0, perturbation = pairs_across_a_jump(net)
    check = check_affine_bound(net, y0, perturbation, lipschitz=3.0)
    theorem = check.theorem
    assert theorem is not None
    assert check.without_theorem is None
    assert check.kind == check.bound.kind == "estimate"
    assert theorem.affine.kind == theorem.bound.kind == "upper"
    assert theorem.holds.all()
    torch.testing.assert_close(theorem.measured, check.measured)
    torch.testing.assert_close(theorem.ratio, check.measured / numbers(theorem.bound.value))
    assert net.last_solve is check.clean
    assert (numbers(theorem.bound.value) > numbers(check.bound.value)).all()  # the price of being true


def test_a_check_on_own_grids_has_the_start_and_the_end() -> None:
    net = NeuralODE(wave, 1.0, max_step_size=0.05, tableau=HEUN_EULER)
    y0, perturbation = normal(4, 2), 0.1 * normal(4, 2, seed=1)
    check = check_bound(net, y0, perturbation, lipschitz=3.0, grids="own")
    bound = adaptive_affine_bound(net, y0, lipschitz=3.0).at(perturbation.norm(dim=1))
    assert check.all_hold
    assert check.kind == "upper"
    assert check.times.tolist() == [0.0, 1.0]
    torch.testing.assert_close(check.bound[1], numbers(bound.value))
    torch.testing.assert_close(check.distance[0], perturbation.norm(dim=1))
    with torch.no_grad():
        measured = (net(y0 + perturbation) - net(y0)).norm(dim=1)
    torch.testing.assert_close(check.distance[1], measured)
    assert check.resolved.all()
    assert 0 < check.worst_ratio < 1
    assert check_bound(net, y0, perturbation, lipschitz=3.0).times.dim() == 2  # the clean solve's grid, as ever


@settings(max_examples=5)
@given(st.integers(0, 2**31), st.sampled_from([HEUN_EULER, BOGACKI_SHAMPINE, DOPRI5]), st.floats(-14.0, 1.0))
def test_rounding_never_looks_like_a_violation(seed: int, tableau: Any, distance: float) -> None:
    """Linear fields under many small steps: the bound is of the method's order, far below what rounding does."""
    field = LinearField(normal(3, 3, seed=seed))
    constant = lipschitz_upper_bound(field, input_shape=(3,))
    for dtype in (torch.float64, torch.float32):
        net = NeuralODE(field.to(dtype), 1.0, max_step_size=1 / 64, rtol=1e-3, atol=1e-3, tableau=tableau)
        y0, perturbation = 100 * normal(3, 3, seed=seed), 10.0**distance * normal(3, 3, seed=seed + 1)
        found = compare_on_own_grids(net, y0.to(dtype), perturbation.to(dtype), lipschitz=constant)
        assert found.holds.all()


def test_the_allowance_is_small_where_the_bound_is_not() -> None:
    torch.manual_seed(0)
    field = GradientFlowField.dense(4, 8).double()
    net = NeuralODE(field, 1.0, max_step_size=0.1, tableau=HEUN_EULER)
    found = compare_on_own_grids(net, normal(3, 4), 0.01 * normal(3, 4, seed=1), lipschitz=10.0, one_sided=0.0)
    assert (found.allowance < 1e-9 * numbers(found.bound.value)).all()


def test_the_allowance_in_closed_form_for_a_field_that_rests() -> None:
    """v = 0, K = 0: only the sums of the two stages round, 16u(‖y_j‖ + ‖y_{j+1}‖) each."""
    states = torch.full((3, 1, 1), 5.0, dtype=torch.float64)
    times = torch.tensor([[0.0], [0.5], [1.0]], dtype=torch.float64)
    solve = RecordedSolve(times=times, states=states, speeds=torch.zeros(3, 1, dtype=torch.float64))
    still = FlowConstants(lipschitz=torch.tensor(0.0).double(), one_sided=torch.tensor(0.0).double())
    found = float(solve_allowance(HEUN_EULER, solve, still, 1.0))
    assert found == pytest.approx(2 * 2 * 2 * 16 * 2.0**-53 * 10.0, rel=1e-12)


@pytest.mark.parametrize(("factor", "caught"), [(1.0, False), (0.99, True)])
def test_a_bound_one_percent_too_small_is_caught(factor: float, caught: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """y′ = y under small steps, a large perturbation."""
    net = NeuralODE(LinearField(torch.eye(1, dtype=torch.float64)), 0.5, max_step_size=0.02, tableau=BOGACKI_SHAMPINE)
    true_bound = own_grids.adaptive_affine_bound

    def scaled(*args: Any, **kwargs: Any) -> AffineBound:
        bound = true_bound(*args, **kwargs)
        return replace(bound, slope=factor * numbers(bound.slope), constant=factor * numbers(bound.constant))

    monkeypatch.setattr(own_grids, "adaptive_affine_bound", scaled)
    one, large = torch.ones(1, 1, dtype=torch.float64), torch.full((1, 1), 1e4, dtype=torch.float64)
    check = check_bound(net, one, large, lipschitz=1.0, one_sided=1.0, grids="own")
    assert bool(check.violated.any()) is caught


def test_zigzags_out_of_phase_stay_below_the_bound_and_equal_starts_end_as_one() -> None:
    field = ZigzagField(HEUN_EULER, 2.0**-6, 1.0)
    net = NeuralODE(field, 1.0, tableau=HEUN_EULER, max_step_size=2.0**-6, rtol=1e3, atol=1e3)
    y0 = torch.zeros(1, 2, dtype=torch.float64)
    half = torch.tensor([[2.0**-7, 0.0]], dtype=torch.float64)
    found = compare_on_own_grids(net, y0, half, lipschitz=1.0, one_sided=0.5)
    assert found.holds.all()
    assert float(compare_on_own_grids(net, y0, torch.zeros_like(y0), lipschitz=1.0).measured) == 0.0


@pytest.mark.parametrize(
    ("net", "lipschitz", "reason"),
    [
        (NeuralODE(wave, 1.0), 3.0, "`net` must have a `max_step_size`"),
        (NeuralODE(wave, 1.0, max_step_size=0.1), Bound(value=3.0, kind="lower"), "a constant that is no upper bound"),
        (NeuralODE(lambda t, y: torch.cos(y) * t[:, None], 1.0, max_step_size=0.1), 1.0, "looks at t"),
    ],
    ids=["no cap", "a sampled constant", "a field with time"],
)
def test_where_no_theorem_is_known_the_check_says_why(net: NeuralODE, lipschitz: Any, reason: str) -> None:
    check = check_affine_bound(net, normal(3, 2), normal(3, 2, seed=1), lipschitz=lipschitz)
    assert check.theorem is None
    assert check.without_theorem is not None
    assert reason in check.without_theorem


def test_what_own_grids_need_is_said() -> None:
    y0 = normal(2, 2)
    capped = NeuralODE(wave, 1.0, max_step_size=0.1)
    with pytest.raises(TypeError, match=re.escape('`net` must be a NeuralODE with `grids` = "own", got EulerNet')):
        check_bound(EulerNet(wave, 0.1, 3), y0, y0, lipschitz=3.0, grids="own")
    with pytest.raises(ValueError, match="`net` must have a `max_step_size`"):
        check_bound(NeuralODE(wave, 1.0), y0, y0, lipschitz=3.0, grids="own")
    for arguments in ({}, {"lipschitz": [3.0] * 4}, {"lipschitz": 3.0, "one_sided": [0.0]}):
        with pytest.raises(ValueError, match="`lipschitz` and `one_sided` must be one number or Bound each"):
            check_bound(capped, y0, y0, grids="own", **arguments)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=re.escape('`arithmetic` must be "float" with `grids` = "own", got \'ball\'')):
        check_bound(capped, y0, y0, lipschitz=3.0, grids="own", arithmetic="ball")


def test_overflow_is_undecided_not_held() -> None:
    net = NeuralODE(lambda _t, y: 0.0 * y, 1.0, max_step_size=0.5)
    check = check_bound(net, normal(2, 1), normal(2, 1, seed=1), lipschitz=1e6, grids="own")
    assert check.bound[1].tolist() == [math.inf, math.inf]
    assert check.all_hold
