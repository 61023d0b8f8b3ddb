"""The largest norm of a stack by factorisations: never below the singular values, and as close as they are."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from natrob_theory.spectra import norm_by_factorisation
from natrob_theory.spectra.norm_by_factorisation import Likeliest, largest_norm_upper, likeliest_of
from tests.natrob_theory.spectra.explicit_stack import ExplicitStack

SEEDS = st.integers(0, 2**32 - 1)


def random_matrices(count: int, rows: int, columns: int, seed: int) -> torch.Tensor:
    return torch.randn(
        (count, rows, columns), generator=torch.Generator().manual_seed(seed), dtype=torch.complex128
    ) / math.sqrt(columns)


def largest(matrices: torch.Tensor) -> float:
    return float(torch.linalg.svdvals(matrices).max())


@given(count=st.integers(1, 60), rows=st.integers(1, 10), more=st.integers(0, 4), spread=st.floats(0, 30), seed=SEEDS)
def test_never_below_the_largest_norm_and_within_rounding_of_it(
    *, count: int, rows: int, more: int, spread: float, seed: int
) -> None:
    matrices = random_matrices(count, rows, rows + more, seed)
    matrices = matrices * 10.0 ** -torch.linspace(0.0, spread, count, dtype=torch.float64)[:, None, None]
    bound = largest_norm_upper(likeliest_of(ExplicitStack(matrices)))
    assert largest(matrices) * (1 - 1e-14) <= bound <= largest(matrices) * (1 + 1e-12)


@given(gap=st.floats(-9, -3), first=st.integers(0, 39), rows=st.integers(2, 8), seed=SEEDS)
def test_a_norm_that_complex64_cannot_tell_from_another_is_not_lost(
    *, gap: float, first: int, rows: int, seed: int
) -> None:
    """All norms lie within a millionth to a thousandth, in any order, and the search begins anywhere."""
    matrices = random_matrices(40, rows, rows, seed)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(seed)).double()
    sizes = (1.0 + 10.0**gap * order / 40) / torch.linalg.svdvals(matrices)[:, 0]
    matrices = matrices * sizes[:, None, None]
    stack = ExplicitStack(matrices)
    bound = largest_norm_upper(Likeliest(stack=stack, chosen=torch.tensor([first]), norm=0.0))
    assert largest(matrices) * (1 - 1e-14) <= bound <= largest(matrices) * (1 + 1e-12)


def test_few_of_many_matrices_are_decomposed() -> None:
    stack = ExplicitStack(random_matrices(600, 24, 24, 1))
    assert largest_norm_upper(likeliest_of(stack)) == pytest.approx(largest(stack.matrices), rel=1e-12)
    assert stack.decomposed < 30


def test_a_poor_ranking_changes_nothing_but_how_many_are_decomposed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranked from the smallest to the largest, each try gives a norm that the next matrices exceed."""
    stack = ExplicitStack(random_matrices(40, 8, 10, 5))
    monkeypatch.setattr(
        norm_by_factorisation, "_largest_eigenvalues", lambda gram: -torch.linalg.matrix_norm(gram, ord=2)
    )
    bound = largest_norm_upper(likeliest_of(stack))
    assert largest(stack.matrices) * (1 - 1e-14) <= bound <= largest(stack.matrices) * (1 + 1e-12)


@pytest.mark.parametrize("tied_from", [4, 1000])
def test_equal_norms_that_no_factorisation_can_tell_apart(tied_from: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(norm_by_factorisation, "TIED_FROM", tied_from)
    stack = ExplicitStack(torch.linalg.qr(random_matrices(50, 16, 16, 2)).Q)
    bound = largest_norm_upper(likeliest_of(stack))
    assert 1.0 <= bound <= 1.0 + 1e-10
    assert 0.99 * bound < 1.0
    assert (stack.decomposed < 10) == (tied_from == 4)


def test_a_search_stops_where_nothing_is_gained() -> None:
    stack = ExplicitStack(random_matrices(40, 8, 8, 3))
    exact = largest(stack.matrices)
    assert largest_norm_upper(likeliest_of(stack), enough=0.5 * exact) == math.inf
    assert largest_norm_upper(likeliest_of(stack), enough=1.1 * exact) == pytest.approx(exact, rel=1e-12)


def test_matrices_of_zeros_have_norm_zero() -> None:
    assert largest_norm_upper(likeliest_of(ExplicitStack(torch.zeros(5, 3, 3, dtype=torch.complex128)))) == 0.0
