import math

import pytest

from natrob_empirical.statistics.p_values import holm_adjusted, sign_test


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (0, 5), (3, 3), (6, 0), (7, 0), (20, 8), (300, 280)])
def test_the_sign_test_counts_the_outcomes_of_as_many_tosses(wins: int, losses: int) -> None:
    tosses = wins + losses
    tail = sum(math.comb(tosses, count) for count in range(wins, tosses + 1)) / 2**tosses
    assert sign_test(wins, losses, alternative="greater") == pytest.approx(tail, rel=1e-9)
    uneven = sum(math.comb(tosses, count) for count in range(max(wins, losses), tosses + 1)) / 2**tosses
    for split in ((wins, losses), (losses, wins)):
        assert sign_test(*split, alternative="two-sided") == pytest.approx(min(1, 2 * uneven), rel=1e-9)


def test_holm_multiplies_the_smallest_by_the_number_of_tests() -> None:
    assert holm_adjusted([0.01, 0.04, 0.03]) == [pytest.approx(0.03), pytest.approx(0.06), pytest.approx(0.06)]
    assert holm_adjusted([0.9, 0.8]) == [1.0, 1.0]
    assert holm_adjusted([]) == []
