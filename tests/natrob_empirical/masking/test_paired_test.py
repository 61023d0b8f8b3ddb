import pytest
import torch

from natrob_empirical.masking.paired_test import compare_fooled


@pytest.mark.parametrize(("wins", "losses", "stronger"), [(6, 0, False), (7, 0, True), (7, 3, False), (0, 9, False)])
def test_seven_images_on_one_side_are_beyond_chance(wins: int, losses: int, stronger: bool) -> None:
    both = torch.tensor([True] * 4 + [False] * 4)
    challenger = torch.cat([both, torch.tensor([True] * wins + [False] * losses)])
    reference = torch.cat([both, torch.tensor([False] * wins + [True] * losses)])
    comparison = compare_fooled(challenger, reference)
    assert (comparison.challenger_only, comparison.reference_only) == (wins, losses)
    assert comparison.challenger_is_stronger == stronger
