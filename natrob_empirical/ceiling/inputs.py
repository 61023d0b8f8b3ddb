"""The images and labels of a ceiling, checked once."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from natrob_empirical.ceiling.near_pairs import Labels
from natrob_empirical.ceiling.pixel_levels import Levels

ImagesLike: TypeAlias = Any
"""An array or a tensor on the CPU: what `numpy.asarray` takes."""


def require_images(images: ImagesLike) -> Levels:
    """The images as an array, of shape (images, *pixels).

    Raises:
        TypeError: neither uint8 (k stands for k/255) nor float32 nor float64.
        ValueError: no image or no pixel, NaN or infinity, or a pixel outside [0, 1].
    """
    array: npt.NDArray[Any] = np.asarray(images)
    if array.dtype not in (np.uint8, np.float32, np.float64):
        raise TypeError(f"`images` must be uint8, or float32 or float64 pixels in [0, 1], got {array.dtype}")
    if array.ndim < 2 or array.size == 0:
        raise ValueError(f"`images` must be non-empty, of shape (images, *pixels), got {array.shape}")
    if array.dtype == np.uint8:
        return array
    flat = array.reshape(len(array), -1)
    smallest, largest = float(flat.min()), float(flat.max())  # NaN if there is one
    if not (np.isfinite(smallest) and np.isfinite(largest)):
        affected = int((~np.isfinite(flat)).any(axis=1).sum())
        raise ValueError(f"`images` must be finite, got NaN or infinity in {affected} of {len(array)} images")
    if smallest < 0 or largest > 1:
        advice = "; divide images with pixels up to 255 by 255" if smallest >= 0 else ""
        raise ValueError(f"`images` must lie in the pixel range [0, 1], got {smallest:g} to {largest:g}{advice}")
    return array


def require_labels(labels: ImagesLike, count: int) -> Labels:
    """The labels as int64.

    Raises:
        TypeError: no whole numbers.
        ValueError: not one label an image.
    """
    array: npt.NDArray[Any] = np.asarray(labels)
    if array.dtype.kind not in "iu":
        raise TypeError(f"`labels` must be whole numbers, got {array.dtype}")
    if array.shape != (count,):
        raise ValueError(f"`labels` must have shape ({count},), one label an image, got {array.shape}")
    return array.astype(np.int64)
