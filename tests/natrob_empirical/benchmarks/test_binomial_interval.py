import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from natrob_empirical.benchmarks.binomial_interval import wilson_interval


def test_published_values() -> None:
    """Newcombe, "Two-sided confidence intervals for the single proportion", Stat. Med. 17, 1998, table I."""
    for count, n, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (1, 29, 0.0061, 0.1718)):
        assert wilson_interval(count, n) == pytest.approx((low, high), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_ends_are_those_probabilities_that_are_1_96_deviations_away(case: tuple[int, int]) -> None:
    count, n = case
    share = count / n
    low, high = wilson_interval(count, n)
    assert 0 <= low <= share <= high <= 1
    assert low < high
    for end in (low, high):
        if 0 < end < 1:
            assert abs(share - end) == pytest.approx(1.959964 * math.sqrt(end * (1 - end) / n), rel=1e-5)
    assert wilson_interval(n - count, n) == pytest.approx((1 - high, 1 - low))


def test_wrong_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="`n` must be at least 1, got 0"):
        wilson_interval(0, 0)
    with pytest.raises(ValueError, match="`count` must be at most `n` = 3, got 4"):
        wilson_interval(4, 3)
