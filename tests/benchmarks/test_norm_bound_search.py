"""A slice of the search for pairs beyond the bounds of L∞ and L1, and that it would find one."""

import pytest
import torch
from torch import Tensor

from benchmarks.norm_bound_search import (
    NORMS,
    Bounded,
    Subject,
    evolve,
    growth_ratio,
    lipschitz_ratio,
    main,
    one_sided_ratio,
    rate_of,
    search,
    subjects,
    table,
)
from natrob_theory import EulerNet, LinearField
from natrob_theory.numbers.norms import Norm, per_sample_norm


def positive(seed: int = 0) -> Subject:
    """A linear field of positive entries: K, μ and the growth of Euler's method are attained."""
    matrix = torch.rand(6, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return Subject(name="positive linear", field=LinearField(matrix), shape=(6,))


def violations(ratio: Bounded, norm: Norm, *, bound_times: float) -> int:
    """Pairs found beyond a bound that is taken so many times."""
    draws = torch.Generator().manual_seed(1)
    smaller = lambda one, other: ratio(one, other) / bound_times  # noqa: E731 - said once
    return evolve(smaller, (6,), norm, draws, population=200, generations=5).violations


def test_a_slice_of_the_search_finds_nothing_beyond_the_bounds() -> None:
    found = search(1, seed=3, population=12, generations=3)
    assert len(found) == 3 * len(NORMS) * len(subjects(0))
    assert min(entry.pairs for entry in found.values()) >= 36
    assert not any(entry.violations for entry in found.values())


@pytest.mark.long
def test_a_longer_search_finds_nothing_beyond_the_bounds() -> None:
    found = search(200_000, seed=3)
    assert not any(entry.violations for entry in found.values())
    pairs = sum(entry.pairs for entry in found.values())
    assert f"{pairs} pairs, 0 beyond a bound" in table(found)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("what", ["K", "μ", "growth"])
def test_a_bound_that_is_one_per_cent_too_small_is_caught(norm: Norm, what: str) -> None:
    subject = positive()
    net = EulerNet(subject.field, step_size=0.5, num_steps=1)
    ratio = {
        "K": lambda: lipschitz_ratio(subject, norm),
        "μ": lambda: one_sided_ratio(subject, norm),
        "growth": lambda: growth_ratio(net, subject, norm),
    }[what]()
    assert violations(ratio, norm, bound_times=1.0) == 0
    assert violations(ratio, norm, bound_times=0.99) > 0


@pytest.mark.parametrize("norm", NORMS)
def test_the_rate_is_how_fast_the_distance_grows(norm: Norm) -> None:
    draws = torch.Generator().manual_seed(2)
    offset, rise = (torch.randn(50, 6, generator=draws, dtype=torch.float64) for _ in range(2))
    offset[:25] = offset[:25].sign()  # in L∞ several entries are the largest
    offset[:, 0] *= (torch.arange(50) % 2).double()  # in L1 zeros grow either way
    step = 1e-7

    def size(state: Tensor) -> Tensor:
        return per_sample_norm(state, norm)

    quotient = (size(offset + step * rise) - size(offset)) / (step * size(offset))
    torch.testing.assert_close(rate_of(rise, offset, norm), quotient, rtol=0.0, atol=1e-5)


def test_a_search_is_the_same_for_the_same_seed_and_prints_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (search(1, seed=5, population=4, generations=2) for _ in range(2))
    assert first == second
    main(["--pairs", "1", "--seed", "5"])
    shown = capsys.readouterr().out
    assert "0 beyond a bound" in shown
    assert "seed 5" in shown
