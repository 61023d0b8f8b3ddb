"""Shifted, mirrored and warped images, a whole batch at once."""

import math
from typing import Final

import torch
from jaxtyping import Bool, Float, Int64, Shaped
from torch import Tensor, nn

SHIFT: Final = 4
"""The largest shift, in pixels; He et al., "Deep Residual Learning for Image Recognition", section 4.2."""


def draw_shifts(count: int, *, largest: int = SHIFT, generator: torch.Generator) -> Int64[Tensor, "count 2"]:
    """Vertical and horizontal shifts from −largest to largest, all equally likely; `largest` is at most 4."""
    return torch.randint(-largest, largest + 1, (count, 2), generator=generator)


def draw_mirrored(count: int, *, generator: torch.Generator) -> Bool[Tensor, " count"]:
    """Chooses the images that are mirrored: each with probability 1/2."""
    return torch.randint(2, (count,), generator=generator, dtype=torch.bool)


def draw_warps(count: int, *, largest: float, generator: torch.Generator) -> Float[Tensor, "count 2 2"]:
    """Linear maps near the identity: a rotation times a triangular matrix.

    Angle in degrees, both stretches and the shear in per cent are uniform from −largest to largest.
    """
    angle, across, down, shear = largest * (2 * torch.rand((4, count), generator=generator) - 1)
    angle = angle * (math.pi / 180)
    cosine, sine, none = angle.cos(), angle.sin(), torch.zeros_like(angle)
    rotation = torch.stack([cosine, -sine, sine, cosine], dim=1).view(-1, 2, 2)
    stretch = torch.stack([1 + across / 100, shear / 100, none, 1 + down / 100], dim=1).view(-1, 2, 2)
    return rotation @ stretch


def warped(
    images: Float[Tensor, "batch channels height width"], warps: Float[Tensor, "batch 2 2"]
) -> Float[Tensor, "batch channels height width"]:
    """The pixel at x, measured from the middle, becomes that at Mx, between pixels bilinear, outside of them 0."""
    height, width = images.shape[2:]
    sides = torch.tensor([max(width - 1, 1), max(height - 1, 1)], dtype=images.dtype, device=images.device)
    scaled = warps.to(images.dtype) * sides[None, :] / sides[:, None]
    maps = torch.cat([scaled, scaled.new_zeros((len(scaled), 2, 1))], dim=2)
    grid = nn.functional.affine_grid(maps, list(images.shape), align_corners=True)
    return nn.functional.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=True)


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
