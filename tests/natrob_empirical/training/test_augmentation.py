import pytest
import torch
from torch import nn

from natrob_empirical.training import TrainingSpecification
from natrob_empirical.training.augmentation import SHIFT, draw_mirrored, draw_shifts, mirrored, shifted


def random_images(count: int = 20) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, 3, 9, 7), dtype=torch.uint8, generator=generator)


def test_a_shift_is_a_crop_of_the_padded_image() -> None:
    images, shifts = random_images(), draw_shifts(20, generator=torch.Generator().manual_seed(1))
    moved = shifted(images, shifts)
    for image, (vertical, horizontal), result in zip(images, shifts.tolist(), moved, strict=True):
        padded = nn.functional.pad(image, [SHIFT] * 4)
        top, left = SHIFT + vertical, SHIFT + horizontal
        assert torch.equal(result, padded[:, top : top + 9, left : left + 7])


def test_only_the_chosen_images_are_mirrored() -> None:
    images = random_images(2)
    result = mirrored(images, torch.tensor([True, False]))
    assert torch.equal(result[0], images[0].flip(2))
    assert torch.equal(result[1], images[1])


def test_all_shifts_and_both_sides_are_equally_likely() -> None:
    generator = torch.Generator().manual_seed(2)
    shifts = draw_shifts(18_000, generator=generator)
    for axis in range(2):
        counts = torch.bincount(shifts[:, axis] + SHIFT, minlength=9)
        assert len(counts) == 9
        assert float((counts - 2000).abs().max()) < 5 * 2000**0.5
    assert abs(int(draw_mirrored(10_000, generator=generator).sum()) - 5000) < 5 * 50


@pytest.mark.parametrize("largest", [1, 3])
def test_shifts_reach_as_far_as_asked_and_no_further(largest: int) -> None:
    shifts = draw_shifts(2_000, largest=largest, generator=torch.Generator().manual_seed(0))
    assert sorted(set(shifts.flatten().tolist())) == list(range(-largest, largest + 1))


def test_a_shift_needs_an_augmentation_that_shifts_and_four_pixels_at_most() -> None:
    assert "shift" not in TrainingSpecification(augmentation="crop").settings()
    assert TrainingSpecification(augmentation="crop", shift=1).settings()["shift"] == 1
    with pytest.raises(ValueError, match="`shift` must be at most 4 pixels, got 5"):
        TrainingSpecification(augmentation="crop", shift=5)
    with pytest.raises(ValueError, match='`shift` is a setting of the augmentations that shift, got 2 beside "none"'):
        TrainingSpecification(shift=2)
