"""Anderson's iteration in C++ beside the same iteration in Python, and the linear systems that it solves."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from natrob_theory import Anderson
from natrob_theory.implicit_solve import Solution, SolveStatus, anderson, contraction_system, native_anderson
from natrob_theory.implicit_solve.contraction_system import solve_contraction
from natrob_theory.numbers.norms import row_lengths

pytestmark = pytest.mark.usefixtures("compiled")


def _normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _contractions(batch: int, size: int) -> Tensor:
    """Matrices of norms from 0 to 0.9."""
    matrices = _normal(batch, size, size, seed=3)
    return (
        matrices
        / torch.linalg.matrix_norm(matrices, ord=2, keepdim=True)
        * torch.linspace(0, 0.9, batch)[:, None, None]
    )


def _both(
    solver: Anderson, iteration: Callable[[Tensor], Tensor], start: Tensor, monkeypatch: pytest.MonkeyPatch
) -> tuple[Solution, Solution]:
    """What C++ finds, and what Python does."""
    taken: list[Solution | None] = []

    def noted(*arguments: Any, **settings: Any) -> Solution | None:
        taken.append(native_anderson.native_anderson(*arguments, **settings))
        return taken[-1]

    with monkeypatch.context() as patch:
        patch.setattr(anderson, "native_anderson", noted)
        native = solver.solve(iteration, start)
    assert taken == [native]
    with monkeypatch.context() as patch:
        patch.setattr(anderson, "native_anderson", lambda *_, **__: None)
        return native, solver.solve(iteration, start)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("depth", [1, 3, 5])
def test_both_find_the_same_points_with_as_many_evaluations(
    dtype: torch.dtype, depth: int, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrices, right = _contractions(7, 11).to(dtype), (scale * _normal(7, 11, seed=4)).to(dtype)
    solver = Anderson(depth=depth, max_iterations=200)
    native, python = _both(
        solver, lambda y: right + torch.einsum("bij,bj->bi", matrices, y), right.clone(), monkeypatch
    )
    assert native.status is python.status is SolveStatus.CONVERGED
    assert abs(native.iterations - python.iterations) <= 0.1 * python.iterations
    tolerance = 100 * torch.finfo(dtype).eps * 2 / (1 - 0.9)
    assert (row_lengths(native.value - python.value) <= 2 * tolerance * row_lengths(python.value)).all()
    true = row_lengths(right + torch.einsum("bij,bj->bi", matrices, native.value) - native.value)
    torch.testing.assert_close(native.residual, true, rtol=1e-2, atol=10 * scale * torch.finfo(dtype).eps)


def test_a_solve_that_is_cut_short_returns_the_point_of_its_residual(monkeypatch: pytest.MonkeyPatch) -> None:
    start = torch.ones(2, 3, dtype=torch.float64)
    for solution in _both(Anderson(max_iterations=3), lambda y: torch.cos(3 * y), start, monkeypatch):
        assert (solution.status, solution.iterations) == (SolveStatus.MAX_ITERATIONS, 3)
        true = (torch.cos(3 * solution.value) - solution.value).norm(dim=1)
        torch.testing.assert_close(solution.residual, true, rtol=1e-12, atol=0.0)


def test_a_sample_that_overflows_leaves_its_neighbours_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def iteration(state: Tensor) -> Tensor:
        return torch.where(state > 1e20, state**4, torch.cos(state))

    for solution in _both(Anderson(), iteration, torch.tensor([[0.5], [1e30], [1.0]]), monkeypatch):
        assert solution.status is SolveStatus.NON_FINITE
        assert solution.converged.tolist() == [True, False, True]
        assert solution.value[[0, 2], 0].tolist() == pytest.approx([0.73908513] * 2, rel=1e-5)


def test_a_finished_sample_is_not_moved_by_the_evaluations_of_others() -> None:
    """The first sample starts at its fixed point, and g there is another from the second evaluation on."""
    calls = []

    def iteration(state: Tensor) -> Tensor:
        calls.append(state)
        moved = torch.cos(state)
        return torch.cat([state[:1] + (len(calls) > 1), moved[1:]])

    solution = Anderson().solve(iteration, torch.tensor([[2.0], [0.1]], dtype=torch.float64))
    assert solution.status is SolveStatus.CONVERGED
    assert solution.value[0].item() == 2.0
    assert solution.residual[0].item() == 0.0


@pytest.mark.parametrize("size", [1e-120, 1e120])
def test_float64_numbers_whose_squares_leave_their_range_stay_in_python(size: float) -> None:
    start = torch.full((2, 3), size, dtype=torch.float64)
    assert native_anderson.native_anderson(torch.neg, start, -start, tolerance=1e-9, max_iterations=9, depth=2) is None
    assert Anderson().solve(lambda y: start - y / 2, start).status is SolveStatus.CONVERGED


def test_a_system_with_a_contraction_is_solved_to_its_tolerance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contraction_system, "gmres", pytest.fail)
    matrices, right = 0.5 * _contractions(5, 30), _normal(5, 30, seed=6)
    right[2] = 0.0
    value, relative, calls = solve_contraction(
        lambda v: torch.einsum("bij,bj->bi", 2 * matrices, v), 0.5, right, relative_tolerance=1e-6
    )
    residual = right + torch.einsum("bij,bj->bi", matrices, value) - value
    true = residual.norm(dim=1) / right.norm(dim=1).where(right.norm(dim=1) > 0, 1.0)
    torch.testing.assert_close(relative, true, rtol=1e-6, atol=1e-15)
    assert (true <= 1e-6).all()
    assert calls <= contraction_system.MOST_PRODUCTS


def test_a_system_without_a_contraction_is_left_to_gmres() -> None:
    rates = torch.linspace(-40.0, -2.0, 25, dtype=torch.float64)
    right = _normal(3, 25, seed=7)
    value, relative, calls = solve_contraction(lambda v: 4 * rates * v, 0.25, right, relative_tolerance=1e-11)
    torch.testing.assert_close(value, right / (1 - rates), rtol=1e-9, atol=1e-10)
    assert (relative <= 1e-11).all()
    assert calls > contraction_system.MOST_PRODUCTS
