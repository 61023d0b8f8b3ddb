import math

import pytest
from scipy.stats import binom, binomtest

from natrob_empirical.smoothing import lower_probability

ALPHA = 0.05


def failure(p: float, n: int, *, factor: float = 1.0, alpha: float = ALPHA) -> float:
    """The exact probability that the bound, times `factor`, lies above the true probability p."""
    above = [count for count in range(n + 1) if factor * lower_probability(count, n, failure_probability=alpha) > p]
    return float(sum(binom.pmf(count, n, p) for count in above))


@pytest.mark.parametrize(("n", "alpha"), [(1, 0.05), (100, 0.05), (10_000, 0.001)])
def test_where_all_trials_agree_it_is_the_root_of_alpha(n: int, alpha: float) -> None:
    bound = lower_probability(n, n, failure_probability=alpha)
    assert bound <= alpha ** (1 / n)  # a two-sided interval would have the root of α/2
    assert bound == pytest.approx(alpha ** (1 / n), rel=3e-9)


def test_it_is_the_one_sided_exact_interval() -> None:
    for count, n in ((0, 10), (1, 10), (7, 10), (99, 100), (9_900, 10_000)):
        low = binomtest(count, n, alternative="greater").proportion_ci(confidence_level=1 - ALPHA, method="exact").low
        bound = lower_probability(count, n, failure_probability=ALPHA)
        assert bound <= low
        assert bound == pytest.approx(low, rel=1e-8)


def test_it_fails_with_no_more_than_alpha_whatever_the_truth() -> None:
    assert max(failure(p / 200, n) for n in (1, 7, 40) for p in range(1, 200)) <= ALPHA


def test_it_is_tight_and_a_hundredth_more_is_too_much() -> None:
    n, count = 2_000, 1_950
    bound = lower_probability(count, n, failure_probability=ALPHA)
    assert failure(bound * (1 - 1e-9), n) == pytest.approx(ALPHA, rel=1e-4)
    assert failure(bound, n, factor=1.01) > 2 * ALPHA


def test_it_rises_with_the_count_and_at_equal_shares_with_the_trials() -> None:
    rising = [lower_probability(count, 50, failure_probability=ALPHA) for count in range(51)]
    assert rising == sorted(rising)
    assert rising[0] == 0.0
    shares = [lower_probability(9 * n, 10 * n, failure_probability=ALPHA) for n in (1, 10, 100, 1_000)]
    assert shares == sorted(shares)
    assert shares[-1] < 0.9


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, math.nan, math.inf])
def test_alpha_must_be_a_probability(alpha: float) -> None:
    with pytest.raises(ValueError, match="`failure_probability` must"):
        lower_probability(1, 2, failure_probability=alpha)


def test_there_are_no_more_successes_than_trials() -> None:
    with pytest.raises(ValueError, match="`count` must be from 0 to `n`, got 3 of 2"):
        lower_probability(3, 2, failure_probability=ALPHA)
    with pytest.raises(ValueError, match="`n` must be at least 1"):
        lower_probability(0, 0, failure_probability=ALPHA)
