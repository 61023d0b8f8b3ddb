"""The adaptive solvers on DETEST's 25 problems; `python detest_errors.py` prints the errors as a table."""

import pytest
import torch
from detest_errors import PEER, SOLVERS, TOLERANCES, error_over_tolerance, reference, with_neural_ode
from detest_problems import PROBLEMS, DetestProblem, Field
from detest_solutions import CLOSED_FORMS, PUBLISHED
from torch import Tensor

LARGEST_SHARE_OF_PEER = 10.0
"""Two codes with one formula pair and different step size controls differ by less; measured: at most 5.7."""


@pytest.fixture(params=PROBLEMS, ids=lambda problem: problem.name)
def problem(request: pytest.FixtureRequest) -> DetestProblem:
    return request.param


@pytest.fixture(params=SOLVERS)
def solver(request: pytest.FixtureRequest) -> str:
    return request.param


def allowed(problem: DetestProblem, tolerance: float) -> float:
    """Error over tolerance: ten times the peer's, or 10 where the peer is below its tolerance."""
    return LARGEST_SHARE_OF_PEER * max(1.0, error_over_tolerance(PEER, problem, tolerance))


def test_the_reference_is_the_known_solution(problem: DetestProblem) -> None:
    known = CLOSED_FORMS[problem.name]() if problem.name in CLOSED_FORMS else PUBLISHED[problem.name]
    expected = torch.tensor(known, dtype=torch.float64)
    torch.testing.assert_close(reference(problem)[0, : len(known)], expected, rtol=1e-10, atol=1e-10)


def test_there_are_25_problems_of_the_right_dimensions() -> None:
    dimensions = [problem.state().shape[1] for problem in PROBLEMS]
    assert dimensions == [1] * 5 + [2, 3, 3, 3, 3] + [10, 10, 10, 51, 30] + [4] * 5 + [2] * 5
    assert [problem.name for problem in PROBLEMS] == [
        f"{letter}{number}" for letter in "ABCDE" for number in range(1, 6)
    ]
    assert set(CLOSED_FORMS) | set(PUBLISHED) == {problem.name for problem in PROBLEMS}


def test_a_field_takes_one_time_or_one_a_sample(problem: DetestProblem) -> None:
    states = problem.state() + torch.tensor([[0.0], [0.01]], dtype=torch.float64)
    times = torch.tensor([0.5, 2.0], dtype=torch.float64)
    together = problem.field(times, states)
    for sample in range(2):
        alone = problem.field(times[sample], states[sample : sample + 1])[0]
        torch.testing.assert_close(together[sample], alone, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("tolerance", TOLERANCES)
def test_errors_are_within_ten_times_those_of_scipy(solver: str, problem: DetestProblem, tolerance: float) -> None:
    assert error_over_tolerance(SOLVERS[solver], problem, tolerance) <= allowed(problem, tolerance)


def test_a_tolerance_a_million_times_smaller_pays(solver: str, problem: DetestProblem) -> None:
    """The error falls by at least 10⁴."""
    coarse, fine = (error_over_tolerance(SOLVERS[solver], problem, tol) * tol for tol in (1e-3, 1e-9))
    assert fine <= 1e-4 * coarse


def test_a_solver_that_ignores_its_tolerances_is_caught() -> None:
    honest = with_neural_ode("torchdiffeq")

    def sloppy(field: Field, y0: Tensor, end_time: float, rtol: float, atol: float) -> Tensor:
        return honest(field, y0, end_time, 1e3 * rtol, 1e3 * atol)

    caught = [problem for problem in PROBLEMS if error_over_tolerance(sloppy, problem, 1e-6) > allowed(problem, 1e-6)]
    assert len(caught) >= 23
