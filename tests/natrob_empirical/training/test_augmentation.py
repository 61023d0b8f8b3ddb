import pytest
import torch
from torch import nn

from natrob_empirical.training import TrainingSpecification
from natrob_empirical.training.augmentation import (
    SHIFT,
    draw_mirrored,
    draw_shifts,
    draw_warps,
    mirrored,
    shifted,
    warped,
)


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


def float_images(height: int, width: int) -> torch.Tensor:
    return torch.rand((3, 2, height, width), generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_the_identity_warps_nothing_and_a_quarter_turn_turns() -> None:
    """Square images: x → Mx with M a quarter turn reads column −row, row column."""
    images = float_images(6, 6)
    identity = torch.eye(2).expand(3, 2, 2)
    torch.testing.assert_close(warped(images, identity), images)
    turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]]).expand(3, 2, 2)
    torch.testing.assert_close(warped(images, turn), torch.rot90(images, 1, (2, 3)))


def test_a_half_turn_and_a_mirror_are_exact_on_images_that_are_not_square() -> None:
    images = float_images(5, 8)
    torch.testing.assert_close(warped(images, -torch.eye(2).expand(3, 2, 2)), images.flip(2, 3))
    mirror = torch.diag(torch.tensor([-1.0, 1.0])).expand(3, 2, 2)
    torch.testing.assert_close(warped(images, mirror), images.flip(3))


def test_a_shear_moves_rows_by_pixels_whatever_the_shape() -> None:
    """Column x of the row y from the middle is read at x + y: whole pixels on odd sides."""
    images = float_images(3, 9)
    shear = torch.tensor([[1.0, 1.0], [0.0, 1.0]]).expand(3, 2, 2)
    result = warped(images, shear)
    torch.testing.assert_close(result[:, :, 1], images[:, :, 1])
    torch.testing.assert_close(result[:, :, 2, :-1], images[:, :, 2, 1:])
    assert float(result[:, :, 2, -1].abs().max()) < 1e-12


def test_warps_are_a_rotation_times_a_stretch_within_what_was_asked() -> None:
    warps = draw_warps(4_000, largest=10.0, generator=torch.Generator().manual_seed(3)).double()
    angle = torch.atan2(warps[:, 1, 0], warps[:, 0, 0])
    assert 9.5 < float(angle.rad2deg().abs().max()) <= 10.0 + 1e-4
    back = torch.stack([angle.cos(), angle.sin(), -angle.sin(), angle.cos()], dim=1).view(-1, 2, 2) @ warps
    for row, column, middle in ((0, 0, 1.0), (1, 1, 1.0), (0, 1, 0.0)):
        assert 0.095 < float((back[:, row, column] - middle).abs().max()) <= 0.1 + 1e-6
    assert float(back[:, 1, 0].abs().max()) < 1e-6


def test_warped_pixels_stay_in_the_range_of_pixels() -> None:
    images = (float_images(7, 7) > 0.5).double()
    result = warped(images, draw_warps(3, largest=50.0, generator=torch.Generator().manual_seed(0)))
    assert 0.0 <= float(result.min()) <= float(result.max()) <= 1.0


def test_a_warp_is_a_setting_of_affine_and_fifty_at_most() -> None:
    assert "warp" not in TrainingSpecification(augmentation="affine").settings()
    assert TrainingSpecification(augmentation="affine", warp=9.0).settings()["warp"] == 9.0
    with pytest.raises(ValueError, match=r"`warp` must be at most 50 degrees and per cent, got 51\.0"):
        TrainingSpecification(augmentation="affine", warp=51.0)
    with pytest.raises(ValueError, match=r'`warp` is a setting of "affine", got 9\.0 beside "crop"'):
        TrainingSpecification(augmentation="crop", warp=9.0)
