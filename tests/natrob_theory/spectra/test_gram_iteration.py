"""Gram iteration against singular values: never below, and as close as the number of squarings promises."""

import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from natrob_theory.spectra import singular_values as spectral
from natrob_theory.spectra.gram import GRAM_ITERATIONS, gram_norms_upper
from natrob_theory.spectra.singular_values import matrix_norm_upper, spectral_norms_upper


def random_matrices(*shape: int, seed: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@given(
    rows=st.integers(1, 12), columns=st.integers(1, 12), iterations=st.integers(1, 30),
    exponent=st.floats(-280, 280), seed=st.integers(0, 2**32 - 1),
    dtype=st.sampled_from([torch.float64, torch.complex128]),
)  # fmt: skip
def test_never_below_the_norm_and_within_the_promised_factor(
    *, rows: int, columns: int, iterations: int, exponent: float, seed: int, dtype: torch.dtype
) -> None:
    matrix = random_matrices(rows, columns, seed=seed, dtype=dtype) * 10.0**exponent
    exact = float(torch.linalg.svdvals(matrix)[0])
    bound = float(gram_norms_upper(matrix, iterations=iterations))
    assert exact * (1 - 1e-14) <= bound
    assert bound <= exact * min(rows, columns) ** (0.5 ** (iterations + 1)) * (1 + 1e-12)


@pytest.mark.parametrize("scale", [1.0, 3.0, 2.0**-900, 2.0**900])
def test_a_multiple_of_an_isometry_is_the_worst_case_and_loses_exactly_the_promised_factor(scale: float) -> None:
    """All singular values coincide, so ‖·‖_F = √n‖·‖₂ at every step."""
    bound = float(gram_norms_upper(scale * torch.eye(16, dtype=torch.float64), iterations=5))
    assert bound == pytest.approx(scale * 16.0 ** (1 / 64), rel=1e-12)


@pytest.mark.parametrize("iterations", [1, 3, 14, 25])
def test_matrices_of_rank_one_are_exact_and_one_percent_less_would_be_caught(iterations: int) -> None:
    left, right = random_matrices(6, seed=1), random_matrices(4, seed=2)
    exact = float(left.norm() * right.norm())
    bound = float(gram_norms_upper(torch.outer(left, right), iterations=iterations))
    assert exact * (1 - 1e-15) <= bound <= exact * (1 + 1e-12)
    assert 0.99 * bound < exact


def test_singular_values_that_underflow_when_squared_do_no_harm() -> None:
    matrix = torch.diag(torch.tensor([1.0, 1e-200, 0.0], dtype=torch.float64))
    assert 1.0 <= float(gram_norms_upper(matrix)) <= 1.0 + 1e-12
    assert float(gram_norms_upper(torch.zeros(3, 2, dtype=torch.float64))) == 0.0


def test_stacks_are_bounded_one_by_one_and_what_is_not_finite_is_infinite() -> None:
    stack = random_matrices(5, 3, 4, seed=0)
    stack[3] *= 1e6
    single = torch.stack([gram_norms_upper(matrix) for matrix in stack])
    torch.testing.assert_close(gram_norms_upper(stack), single, rtol=1e-14, atol=0)
    stack[1, 0, 0] = torch.inf
    assert gram_norms_upper(stack).isinf().tolist() == [False, True, False, False, False]


def test_the_number_of_squarings_must_be_at_least_one() -> None:
    with pytest.raises(ValueError, match=re.escape("`iterations` must be at least 1, got 0")):
        gram_norms_upper(torch.eye(2), iterations=0)


def test_large_matrices_go_to_gram_iteration(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = random_matrices(7, 9, seed=3)
    exact = float(torch.linalg.svdvals(matrix)[0])
    monkeypatch.setattr(spectral, "CPU_EXACT_LIMIT", 6)
    by_gram = matrix_norm_upper(matrix)
    assert by_gram == float(gram_norms_upper(matrix))
    assert exact * (1 - 1e-14) <= by_gram <= exact * 7.0 ** (0.5 ** (GRAM_ITERATIONS + 1)) * (1 + 1e-12)


def test_an_error_of_the_input_is_added_to_each_matrix() -> None:
    stack = torch.stack([torch.eye(2), 3 * torch.eye(2)]).double()
    expected = torch.tensor([1.0 + 0.1 * 2**0.5, 3.0 + 0.3 * 2**0.5], dtype=torch.float64)
    torch.testing.assert_close(spectral_norms_upper(stack, input_error=0.1), expected, rtol=1e-12, atol=0)
