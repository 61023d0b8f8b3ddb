import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from natrob_theory.implicit_solve import gmres


def normal(shape: tuple[int, ...], seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def solve(matrices: Tensor, right: Tensor, tolerance: float, restart: int = 20) -> tuple[Tensor, Tensor, int]:
    return gmres(
        lambda x: torch.einsum("bij,bj->bi", matrices, x), right, relative_tolerance=tolerance, restart=restart
    )


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 4))
def test_against_dense_solve(seed: int, size: int, batch: int) -> None:
    matrices = torch.eye(size, dtype=torch.float64) - 0.9 * normal((batch, size, size), seed) / (2 * size**0.5)
    right = normal((batch, size), seed + 1)
    solution, residual, _ = solve(matrices, right, 1e-13)
    expected = torch.linalg.solve(matrices, right)
    assert (residual <= 1e-13).all()
    # The error is at most the condition number times the residual; these matrices have condition below 1e3
    # but for a few draws, hence the factor.
    condition = torch.linalg.cond(matrices)
    error = (solution - expected).norm(dim=1) / expected.norm(dim=1)
    assert (error <= 10 * condition * 1e-13).all()


def test_reported_residual_is_that_of_the_returned_value() -> None:
    matrices, right = torch.eye(30, dtype=torch.float64) + 0.3 * normal((2, 30, 30), 0), normal((2, 30), 1)
    solution, residual, calls = solve(matrices, right, 1e-3, restart=3)
    true = (right - torch.einsum("bij,bj->bi", matrices, solution)).norm(dim=1) / right.norm(dim=1)
    torch.testing.assert_close(residual, true, rtol=1e-10, atol=1e-15)
    assert calls % 4 == 0


def test_restarts_are_spent_and_the_failure_is_told() -> None:
    """A cyclic shift: GMRES makes no progress before the full dimension (Saad, Schultz 1986)."""
    shift = torch.roll(torch.eye(8, dtype=torch.float64), 1, dims=0)[None]
    right = torch.zeros(1, 8, dtype=torch.float64)
    right[0, 0] = 1.0
    _, residual, calls = solve(shift, right, 1e-10, restart=4)
    assert float(residual) > 0.5
    assert calls == 10 * 5
    solution, residual, _ = solve(shift, right, 1e-10)
    assert float(residual) < 1e-14
    torch.testing.assert_close(solution, torch.linalg.solve(shift, right))


def test_zero_right_hand_sides_and_exhausted_spaces() -> None:
    matrices = torch.stack([torch.eye(4, dtype=torch.float64), 2 * torch.eye(4, dtype=torch.float64)])
    right = torch.stack([torch.zeros(4, dtype=torch.float64), torch.ones(4, dtype=torch.float64)])
    solution, residual, _ = solve(matrices, right, 1e-14)
    assert solution.tolist() == [[0.0] * 4, [0.5] * 4]
    assert residual.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-13)])
def test_permuting_the_systems_permutes_the_solutions(dtype: torch.dtype, tolerance: float) -> None:
    matrices = torch.eye(6, dtype=dtype) + 0.2 * normal((5, 6, 6), 3, dtype)
    right = normal((5, 6), 4, dtype)
    order = torch.tensor([3, 1, 4, 0, 2])
    solution, _, _ = solve(matrices, right, tolerance)
    permuted, _, _ = solve(matrices[order], right[order], tolerance)
    # Each system alone may stop earlier than in company, but never before the tolerance.
    torch.testing.assert_close(permuted, solution[order], rtol=20 * tolerance, atol=20 * tolerance)


def test_an_operator_that_is_not_finite_makes_its_own_sample_nan_and_no_other() -> None:
    matrices = torch.eye(3, dtype=torch.float64).repeat(2, 1, 1)
    matrices[0, 1, 1] = torch.nan
    solution, residual, _ = solve(matrices, torch.ones(2, 3, dtype=torch.float64), 1e-12)
    assert not bool(torch.isfinite(residual[0]))
    assert solution[1].tolist() == pytest.approx([1.0] * 3, rel=1e-14)
