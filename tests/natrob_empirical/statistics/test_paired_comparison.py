import pytest
from scipy.stats import binomtest

from natrob_empirical.statistics.paired_comparison import compare_kept, compare_shares
from natrob_empirical.statistics.share_intervals import agresti_caffo, agresti_min


def test_images_are_compared_one_by_one() -> None:
    found = compare_kept("kkkkkfffww", "kkffffffkw")
    assert (found.first, found.second, found.n, found.paired) == (0.5, 0.3, 10, True)
    assert found.difference == pytest.approx(0.2)
    # three images only the first keeps, one only the second
    assert found.p_value == pytest.approx(binomtest(3, 4).pvalue)


def test_equal_shares_on_other_images_are_no_difference_and_equal_outcomes_none_at_all() -> None:
    assert compare_kept("kf" * 20, "fk" * 20).p_value == 1
    same = compare_kept("kf" * 20, "kf" * 20)
    assert same.p_value == 1
    assert same.low < 0 < same.high


def test_pairing_tells_apart_what_two_samples_cannot() -> None:
    first, second = "k" * 60 + "f" * 40, "k" * 50 + "f" * 50  # ten images differ, all one way
    assert compare_kept(first, second).p_value < 0.01
    assert compare_shares(0.6, 0.5, 100).p_value > 0.1
    assert not compare_shares(0.6, 0.5, 100).paired


def test_the_intervals_lie_about_what_the_samples_show() -> None:
    paired = compare_kept("k" * 8 + "f" * 2, "k" * 3 + "f" * 7)  # five only the first keeps, none only the second
    apart = compare_shares(0.8, 0.3, 10)
    assert (paired.low, paired.high) == agresti_min(5, 0, 10)
    assert (apart.low, apart.high) == agresti_caffo(0.8, 10, 0.3, 10)


def test_the_longer_list_is_cut_to_the_common_images() -> None:
    found = compare_kept("kkff", "kk" + "f" * 2 + "k" * 100)
    assert (found.n, found.second) == (4, 0.5)
    with pytest.raises(ValueError, match="at least one outcome"):
        compare_kept("", "k")
    with pytest.raises(ValueError, match="`n` must be at least 1, got 0"):
        compare_shares(0.1, 0.2, 0)
