import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from natrob_empirical.statistics.share_intervals import agresti_caffo, agresti_min, wilson_interval


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
    for count, n in ((0, 0), (4, 3), (-1, 3)):
        with pytest.raises(ValueError, match=f"at least 1, got {count} of {n}"):
            wilson_interval(count, n)


def test_agresti_and_min_by_hand() -> None:
    middle, half = 5 / 12, 1.959963984540054 * math.sqrt(6 - 25 / 12) / 12
    assert agresti_min(5, 0, 10) == (pytest.approx(middle - half), pytest.approx(middle + half))


def test_agresti_and_caffo_by_hand() -> None:
    """One success and one failure more on each side: 5 of 10 and 3 of 22 become 6 of 12 and 4 of 24."""
    middle, half = 1 / 3, 1.959963984540054 * math.sqrt(0.25 / 12 + 4 * 20 / 24**3)
    assert agresti_caffo(0.5, 10, 3 / 22, 22) == (pytest.approx(middle - half), pytest.approx(middle + half))


def test_equal_samples_leave_room_on_both_sides() -> None:
    for low, high in (agresti_caffo(0.0, 50, 0.0, 50), agresti_min(0, 0, 50)):
        assert low == -high < 0
