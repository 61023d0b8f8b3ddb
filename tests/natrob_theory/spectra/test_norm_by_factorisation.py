"""The largest norm of a stack by factorisations against singular values: never below, and hardly above."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from natrob_theory.spectra import norm_by_factorisation
from natrob_theory.spectra import singular_values as spectral
from natrob_theory.spectra.norm_by_factorisation import largest_norm_upper
from natrob_theory.spectra.singular_values import spectral_norm_upper, spectral_norms_upper


def random_stack(*shape: int, seed: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@given(
    count=st.integers(1, 9), rows=st.integers(1, 12), columns=st.integers(1, 12), exponent=st.floats(-280, 280),
    spread=st.floats(0, 200), seed=st.integers(0, 2**32 - 1),
    dtype=st.sampled_from([torch.float64, torch.complex128]),
)  # fmt: skip
def test_never_below_the_largest_norm_and_within_rounding_of_it(
    *, count: int, rows: int, columns: int, exponent: float, spread: float, seed: int, dtype: torch.dtype
) -> None:
    stack = random_stack(count, rows, columns, seed=seed, dtype=dtype) * 10.0**exponent
    stack = stack * 10.0 ** -torch.linspace(0.0, spread, count, dtype=torch.float64)[:, None, None]
    exact = float(torch.linalg.svdvals(stack).max())
    assert exact * (1 - 1e-14) <= largest_norm_upper(stack) <= exact * (1 + 1e-11)


@pytest.mark.parametrize("scale", [1.0, 3.0, 2.0**-900, 2.0**900])
def test_equal_norms_that_no_factorisation_can_tell_apart(scale: float) -> None:
    stack = scale * torch.eye(16, dtype=torch.float64).expand(20, 16, 16)
    bound = largest_norm_upper(stack)
    assert scale <= bound <= scale * (1 + 1e-11)
    assert 0.99 * bound < scale


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_a_poor_ranking_changes_nothing_but_the_number_of_factorisations(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ranked from the smallest to the largest, each try gives a norm that the next matrices exceed."""
    stack = random_stack(40, 8, 10, seed=5, dtype=dtype)
    exact = float(torch.linalg.svdvals(stack).max())
    monkeypatch.setattr(
        norm_by_factorisation, "_rank", lambda gram: -torch.linalg.matrix_norm(gram, ord=2).to(torch.float64)
    )
    assert exact * (1 - 1e-14) <= largest_norm_upper(stack) <= exact * (1 + 1e-11)


def test_zero_and_overflow() -> None:
    assert largest_norm_upper(torch.zeros(3, 2, 2, dtype=torch.float64)) == 0.0
    huge = torch.full((2, 3, 3), torch.finfo(torch.float64).max, dtype=torch.float64)
    assert largest_norm_upper(huge) == torch.inf


def test_large_stacks_are_factorised_and_single_or_infinite_matrices_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = random_stack(6, 8, 9, seed=1, dtype=torch.complex128)
    decomposed = float(spectral_norms_upper(stack).max())
    assert spectral_norm_upper(stack) == decomposed
    monkeypatch.setattr(spectral, "FACTORISED_FROM", 8)
    assert spectral_norm_upper(stack) == largest_norm_upper(stack)
    assert spectral_norm_upper(stack) == pytest.approx(decomposed, rel=1e-11)
    assert spectral_norm_upper(stack[:1]) == float(spectral_norms_upper(stack[:1]).max())
    error = 0.1 * float(torch.linalg.matrix_norm(stack).max())
    assert spectral_norm_upper(stack, input_error=0.1) == pytest.approx(decomposed + error, rel=1e-11)
    stack[2, 0, 0] = torch.nan
    assert spectral_norm_upper(stack) == torch.inf  # no decomposition of it, and no bound


@pytest.mark.slow
def test_wide_matrices_stay_within_one_billionth() -> None:
    stack = random_stack(3, 256, 400, seed=2, dtype=torch.complex128)
    exact = float(torch.linalg.svdvals(stack).max())
    assert exact <= largest_norm_upper(stack) <= exact * (1 + 1e-9)
