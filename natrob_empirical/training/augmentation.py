"""Shifted and mirrored images, a whole batch at once."""

from typing import Final

import torch
from jaxtyping import Bool, Int64, Shaped
from torch import Tensor, nn

SHIFT: Final = 4
"""The largest shift, in pixels; He et al., "Deep Residual Learning for Image Recognition", section 4.2."""


def draw_shifts(count: int, *, largest: int = SHIFT, generator: torch.Generator) -> Int64[Tensor, "count 2"]:
    """Vertical and horizontal shifts from −largest to largest, all equally likely; `largest` is at most 4."""
    return torch.randint(-largest, largest + 1, (count, 2), generator=generator)


def draw_mirrored(count: int, *, generator: torch.Generator) -> Bool[Tensor, " count"]:
    """Chooses the images that are mirrored: each with probability 1/2."""
    return torch.randint(2, (count,), generator=generator, dtype=torch.bool)


def shifted(
    images: Shaped[Tensor, "batch channels height width"], shifts: Int64[Tensor, "batch 2"]
) -> Shaped[Tensor, "batch channels height width"]:
    """Entry (i, j) of the result is entry (i + vertical, j + horizontal) of the image, 0 outside of it."""
    height, width = images.shape[2:]
    windows = nn.functional.pad(images, [SHIFT] * 4).unfold(2, height, 1).unfold(3, width, 1)
    vertical, horizontal = (shifts + SHIFT).unbind(1)
    return windows[torch.arange(len(images), device=images.device), :, vertical, horizontal]


def mirrored(
    images: Shaped[Tensor, "batch channels height width"], chosen: Bool[Tensor, " batch"]
) -> Shaped[Tensor, "batch channels height width"]:
    """The chosen images with left and right exchanged, the others as they are."""
    return torch.where(chosen[:, None, None, None], images.flip(3), images)
