import pytest
import torch
from scipy.stats import binomtest

from natrob_empirical.masking.paired_test import compare_fooled, sign_test


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (0, 5), (3, 3), (6, 0), (7, 0), (20, 8), (300, 280)])
def test_the_sign_test_is_scipys(wins: int, losses: int) -> None:
    if wins + losses == 0:
        assert sign_test(0, 0) == 1
    else:
        expected = binomtest(wins, wins + losses, 0.5, alternative="greater").pvalue
        assert sign_test(wins, losses) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("wins", "losses", "stronger"), [(6, 0, False), (7, 0, True), (7, 3, False), (0, 9, False)])
def test_seven_images_on_one_side_are_beyond_chance(wins: int, losses: int, stronger: bool) -> None:
    both = torch.tensor([True] * 4 + [False] * 4)
    challenger = torch.cat([both, torch.tensor([True] * wins + [False] * losses)])
    reference = torch.cat([both, torch.tensor([False] * wins + [True] * losses)])
    comparison = compare_fooled(challenger, reference)
    assert (comparison.challenger_only, comparison.reference_only) == (wins, losses)
    assert comparison.challenger_is_stronger == stronger
