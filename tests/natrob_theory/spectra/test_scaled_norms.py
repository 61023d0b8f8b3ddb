"""Norms with zero columns left out are those of the whole product, and lower bounds lie below them."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from natrob_theory.spectra import scaled_norms
from natrob_theory.spectra.scaled_norms import scaled_columns_norms_upper, scaled_rows_norms_upper
from natrob_theory.spectra.singular_values import spectral_norms_lower, spectral_norms_upper

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(1, 60)


def drawn(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def diagonal(seed: int, batch: int, entries: int, zeros: float) -> Tensor:
    values = drawn(seed + 1, batch, entries)
    return torch.where(torch.rand(values.shape, generator=torch.Generator().manual_seed(seed)) < zeros, 0.0, values)


@given(rows=SIZES, columns=SIZES, stack=st.sampled_from([1, 3]), zeros=st.sampled_from([0.0, 0.5, 1.0]), seed=SEEDS)
def test_the_norm_is_that_of_the_whole_product(rows: int, columns: int, stack: int, zeros: float, seed: int) -> None:
    matrices, scales = drawn(seed, stack, rows, columns), diagonal(seed, 3, columns, zeros)
    exact = torch.linalg.matrix_norm(matrices * scales[:, None, :], ord=2)
    by_columns = scaled_columns_norms_upper(matrices, scales, input_error=0.0)
    assert bool((by_columns >= exact * (1.0 - 1e-14)).all())
    assert bool((by_columns <= exact * (1.0 + 1e-11)).all())
    assert torch.equal(scaled_rows_norms_upper(scales, matrices.mT, input_error=0.0), by_columns)


def test_one_scale_stands_for_all_columns_and_an_input_error_counts() -> None:
    matrices = drawn(0, 2, 40, 40)
    assert matrices[0].numel() >= scaled_norms.WORTH_LEAVING_OUT
    half = scaled_columns_norms_upper(matrices, torch.full((1, 1), 0.5, dtype=torch.float64), input_error=0.0)
    torch.testing.assert_close(half, 0.5 * torch.linalg.matrix_norm(matrices, ord=2))
    scales = diagonal(1, 2, 40, 0.5)
    exact, wider = (scaled_columns_norms_upper(matrices, scales, input_error=error) for error in (0.0, 0.1))
    torch.testing.assert_close(wider - exact, 0.1 * torch.linalg.matrix_norm(matrices * scales[:, None, :]))


def test_a_sample_s_norm_does_not_depend_on_its_batch() -> None:
    matrices, scales = drawn(0, 1, 50, 50), diagonal(1, 8, 50, 0.5)
    alone = torch.cat([scaled_columns_norms_upper(matrices, row[None], input_error=0.0) for row in scales])
    assert torch.equal(scaled_columns_norms_upper(matrices, scales, input_error=0.0), alone)


@given(rows=SIZES, columns=SIZES, scale=st.sampled_from([0.0, 1e-150, 1e-100, 1.0, 1e100, 1e200]), seed=SEEDS)
def test_a_lower_bound_is_below_the_norm(rows: int, columns: int, scale: float, seed: int) -> None:
    matrices = scale * drawn(seed, 3, rows, columns)
    lower = spectral_norms_lower(matrices)
    assert bool((lower >= 0.0).all())
    assert bool((lower <= spectral_norms_upper(matrices)).all())


def test_a_lower_bound_is_tight_for_matrices_of_rank_1() -> None:
    matrices = drawn(0, 4, 30, 1) @ drawn(1, 4, 1, 20)
    torch.testing.assert_close(spectral_norms_lower(matrices), spectral_norms_upper(matrices), rtol=1e-11, atol=0.0)
