"""Pixels as whole numbers where they lie on a grid k/s, so that distances between images are exact."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, TypeAlias, final

import numpy as np
import numpy.typing as npt

Levels: TypeAlias = npt.NDArray[Any]
"""A row an image: whole numbers of a grid, or float64 pixels in [0, 1] where there is no grid."""

_SCALES: Final = (255, *range(1, 255), 256, 511, 512, 1023, 1024, 4095, 65535)
_LARGEST_BYTE: Final = 255
_SAMPLE: Final = 4096
_BLOCK: Final = 1 << 22


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class PixelLevels:
    """Images as rows of levels.

    Attributes:
        levels: of shape (images, pixels): the k of pixels k/s, or the pixels themselves in float64.
        scale: s; None where the pixels lie on no grid.
        error: no pixel of the images is farther from its k/s. It is 0 where every k/s is a float, as of k/16.
    """

    levels: Levels
    scale: int | None
    error: Fraction

    @property
    def exact(self) -> bool:
        """Whether distances are computed in whole numbers."""
        return self.scale is not None

    @property
    def dimension(self) -> int:
        """The number of pixels of an image."""
        return int(self.levels.shape[1])


def pixel_levels(images: Levels) -> PixelLevels:
    """Finds the grid of the images, or keeps them as float64.

    Args:
        images: of shape (images, *pixels): uint8, which stand for k/255, or floats in [0, 1] that have been checked.
    """
    flat = images.reshape(len(images), -1)
    if flat.dtype == np.uint8:
        return PixelLevels(levels=flat, scale=_LARGEST_BYTE, error=Fraction(0))
    sample = np.unique(flat.reshape(-1)[:: max(1, flat.size // _SAMPLE)])
    for scale in _SCALES:
        if _on_grid(sample, scale) and all(_on_grid(part, scale) for part in _parts(flat)):
            return _of_grid(flat, scale)
    return PixelLevels(levels=flat.astype(np.float64) + 0.0, scale=None, error=Fraction(0))  # −0 becomes 0


def _on_grid(pixels: Levels, scale: int) -> bool:
    """Whether every pixel is the float nearest to some k/s; float64 quotients round to float32 as float32 ones do."""
    nearest = np.rint(pixels.astype(np.float64) * scale) / scale
    return bool(np.array_equal(nearest.astype(pixels.dtype), pixels))


def _of_grid(flat: Levels, scale: int) -> PixelLevels:
    kept = np.uint8 if scale <= _LARGEST_BYTE else np.int32
    levels = np.empty(flat.shape, dtype=kept)
    for part, place in zip(_parts(flat), _parts(levels), strict=True):
        place[...] = np.rint(part.astype(np.float64) * scale)
    # The float nearest to k/s does not depend on where it stands: the error is that of the levels, each looked at once.
    used = (np.arange(scale + 1) / scale).astype(flat.dtype)
    error = max(abs(Fraction(float(pixel)) - Fraction(level, scale)) for level, pixel in enumerate(used))
    return PixelLevels(levels=levels, scale=scale, error=error)


def _parts(flat: Levels) -> Iterator[Levels]:
    """Rows of the images, as many at once as fit a few megabytes."""
    rows = max(1, _BLOCK // max(1, flat.shape[1]))
    for start in range(0, len(flat), rows):
        yield flat[start : start + rows]
