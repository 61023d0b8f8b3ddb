import warnings
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from natrob_theory import Anderson, ImplicitSolveError, ImplicitSolveWarning, NewtonKrylov
from natrob_theory.implicit_solve import AbstractFixedPointSolver, Solution, SolveStatus
from natrob_theory.implicit_solve.solution import report_failure

SOLVERS = [Anderson, NewtonKrylov]


def normal(shape: tuple[int, ...], seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def backward_euler_map(matrix: Tensor, start: Tensor, step_size: float) -> Callable[[Tensor], Tensor]:
    return lambda y: start + step_size * y @ matrix.T


@pytest.mark.parametrize("solver", SOLVERS)
@given(seed=st.integers(0, 2**32 - 1), contraction=st.floats(0.0, 0.9), size=st.integers(1, 6))
def test_linear_contractions(
    solver: Callable[..., AbstractFixedPointSolver], seed: int, contraction: float, size: int
) -> None:
    matrix = normal((size, size), seed)
    matrix = matrix * (contraction / float(torch.linalg.matrix_norm(matrix, ord=2)))
    start = normal((3, size), seed + 1)
    solution = solver(max_iterations=200).solve(backward_euler_map(matrix, start, 1.0), start)
    expected = torch.linalg.solve(torch.eye(size, dtype=torch.float64) - matrix, start.T).T
    assert solution.status is SolveStatus.CONVERGED
    assert bool(solution.converged.all())
    # ‖y − y*‖ ≤ residual/(1 − 0.9), and the residual is at most 100 · 2u · (‖y‖ + ‖g(y)‖).
    error = (solution.value - expected).norm(dim=1)
    assert (error <= 10 * 1e-13 * expected.norm(dim=1)).all()


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_nonlinear_fixed_point_in_closed_form(solver: Callable[..., AbstractFixedPointSolver]) -> None:
    """y = cos y has the solution 0.7390851332151607 (the Dottie number)."""
    solution = solver().solve(torch.cos, torch.tensor([[0.0], [1.0], [3.0]], dtype=torch.float64))
    assert solution.value.flatten().tolist() == pytest.approx([0.7390851332151607] * 3, rel=1e-13)
    true = (torch.cos(solution.value) - solution.value).norm(dim=1)
    torch.testing.assert_close(solution.residual, true, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("stiffness", [10.0, 1e2, 1e4])
def test_newton_solves_stiff_linear_equations_where_iteration_diverges(stiffness: float) -> None:
    """hK = stiffness > 1 and hμ = −1 < 1: the unique solution exists, y ← g(y) diverges."""
    rates = torch.linspace(-1.0, -stiffness, 5, dtype=torch.float64)
    start = normal((4, 5), 0)
    solution = NewtonKrylov().solve(lambda y: start + rates * y, start)
    assert solution.status is SolveStatus.CONVERGED
    torch.testing.assert_close(solution.value, start / (1 - rates), rtol=1e-9, atol=1e-12)


def test_newton_solves_a_dense_stiff_rotation() -> None:
    rotation = torch.tensor([[0.0, 50.0], [-50.0, 0.0]], dtype=torch.float64)
    start = normal((3, 2), 1)
    solution = NewtonKrylov().solve(backward_euler_map(rotation, start, 1.0), start)
    assert solution.status is SolveStatus.CONVERGED
    expected = torch.linalg.solve(torch.eye(2, dtype=torch.float64) - rotation, start.T).T
    torch.testing.assert_close(solution.value, expected, rtol=1e-11, atol=1e-12)


def test_newton_backtracks_where_the_full_step_overshoots() -> None:
    """arctan: the full Newton step from y = 3 diverges, a halved one does not."""
    start = torch.full((1, 1), 3.0, dtype=torch.float64)
    solution = NewtonKrylov().solve(lambda y: y - torch.atan(y) - 1e-3, start)
    assert solution.status is SolveStatus.CONVERGED
    assert float(solution.value) == pytest.approx(-torch.tan(torch.tensor(1e-3, dtype=torch.float64)).item(), rel=1e-9)
    plain = NewtonKrylov(halvings=1).solve(lambda y: y - torch.atan(y) - 1e-3, 10 * start)
    assert plain.status is not SolveStatus.CONVERGED


@pytest.mark.parametrize("solver", SOLVERS)
def test_running_out_of_iterations_is_told(solver: Callable[..., AbstractFixedPointSolver]) -> None:
    start = torch.ones(2, 3, dtype=torch.float64)
    solution = solver(max_iterations=2).solve(lambda y: torch.cos(3 * y), start)
    assert solution.status is SolveStatus.MAX_ITERATIONS
    assert solution.iterations == 2
    assert not bool(solution.converged.any())
    assert (solution.residual > 1e-6).all()
    assert "raise `max_iterations`" in solution.status.value


@pytest.mark.parametrize("solver", SOLVERS)
def test_an_overflow_is_told(solver: Callable[..., AbstractFixedPointSolver]) -> None:
    start = torch.full((2, 3), 1e200, dtype=torch.float64)
    solution = solver().solve(lambda y: y**3, start)
    assert solution.status is SolveStatus.NON_FINITE
    assert "NaN or infinite" in solution.status.value


def one_overflows(y: Tensor) -> Tensor:
    """Samples that start above 1e100 overflow; the others converge to the Dottie number."""
    return torch.where(y > 1e100, y**4, torch.cos(y))


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_sample_that_overflows_does_not_stop_its_neighbours(solver: Callable[..., AbstractFixedPointSolver]) -> None:
    start = torch.tensor([[0.5], [1e120], [1.0]], dtype=torch.float64)
    solution = solver().solve(one_overflows, start)
    assert solution.status is SolveStatus.NON_FINITE
    assert solution.converged.tolist() == [True, False, True]
    assert solution.value[[0, 2], 0].tolist() == pytest.approx([0.7390851332151607] * 2, rel=1e-13)


def test_newton_survives_an_infinite_slope() -> None:
    """√y at y = 0 has no derivative: the solve may fail, but it says so."""
    start = torch.zeros(2, 1, dtype=torch.float64)
    solution = NewtonKrylov().solve(lambda y: torch.sqrt(y) + 1.0, start)
    assert solution.status is not SolveStatus.CONVERGED
    assert solution.residual.tolist() == [1.0, 1.0]


def batch_of_contractions() -> tuple[Tensor, Tensor]:
    rates = torch.linspace(-0.8, 0.8, 6, dtype=torch.float64)[:, None]
    return rates, normal((6, 4), 7)


@pytest.mark.parametrize("solver", SOLVERS)
def test_samples_do_not_know_each_other(solver: Callable[..., AbstractFixedPointSolver]) -> None:
    """Permuted and split batches give the same values to within the solver's tolerance times 1/(1 − 0.8)."""
    rates, start = batch_of_contractions()
    together = solver().solve(lambda y: start + rates * torch.sin(y), start).value
    order = torch.tensor([5, 2, 0, 3, 1, 4])
    permuted = solver().solve(lambda y: start[order] + rates[order] * torch.sin(y), start[order]).value
    torch.testing.assert_close(permuted, together[order], rtol=1e-12, atol=1e-12)
    for i in range(len(start)):
        alone = (
            solver().solve(lambda y, i=i: start[i : i + 1] + rates[i : i + 1] * torch.sin(y), start[i : i + 1]).value
        )
        torch.testing.assert_close(alone, together[i : i + 1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("solver", SOLVERS)
def test_single_precision_converges_to_its_own_tolerance(solver: Callable[..., AbstractFixedPointSolver]) -> None:
    solution = solver().solve(torch.cos, torch.ones(2, 1))
    assert solution.status is SolveStatus.CONVERGED
    assert solution.value.dtype == torch.float32
    assert solution.value.flatten().tolist() == pytest.approx([0.73908513] * 2, rel=1e-5)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_looser_tolerance_is_kept_and_cheaper(solver: Callable[..., AbstractFixedPointSolver]) -> None:
    start = torch.ones(1, 1, dtype=torch.float64)
    loose, tight = solver(tolerance=1e-3).solve(torch.cos, start), solver().solve(torch.cos, start)
    assert loose.iterations < tight.iterations
    assert float(loose.residual) <= 1e-3 * 2 * 0.75
    assert float(loose.residual) > float(tight.residual)


@pytest.mark.parametrize("solver", SOLVERS)
def test_solvers_refuse_bad_settings(solver: Callable[..., AbstractFixedPointSolver]) -> None:
    with pytest.raises(ValueError, match=r"`tolerance` must be greater than 0, got 0\.0"):
        solver(tolerance=0.0)
    with pytest.raises(ValueError, match="`max_iterations` must be at least 1, got 0"):
        solver(max_iterations=0)
    with pytest.raises(ValueError, match="`depth` must be at least 1, got 0"):
        Anderson(depth=0)
    with pytest.raises(ValueError, match="`halvings` must be at least 1, got 0"):
        NewtonKrylov(halvings=0)


def failed_solution() -> Solution:
    return NewtonKrylov(max_iterations=1).solve(torch.cos, torch.ones(2, 1, dtype=torch.float64))


def test_failures_are_reported_as_asked() -> None:
    message = r"the solve did not converge for 2 of 2 samples after 1 iterations \(largest residual 0.46\): the maximum"
    with pytest.raises(ImplicitSolveError, match=message):
        report_failure(failed_solution(), what="the solve", on_failure="raise")
    with pytest.warns(ImplicitSolveWarning, match=message):
        report_failure(failed_solution(), what="the solve", on_failure="warn")


def test_success_is_silent() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report_failure(
            NewtonKrylov().solve(torch.cos, torch.ones(2, 1, dtype=torch.float64)),
            what="the solve",
            on_failure="raise",
        )
