"""A user's own image arrays: which pixels they may hold, and which of their axes are the channels."""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Layout: TypeAlias = Literal["NCHW", "NHWC"]
LAYOUTS: Final[tuple[Layout, ...]] = ("NCHW", "NHWC")
MOST_CHANNELS: Final = 4
SHAPES: Final = "(N, height, width), (N, channels, height, width) or (N, height, width, channels)"


def require_pixels(name: str, array: npt.NDArray[np.generic]) -> None:
    """Raise ValueError unless these are uint8 images, or float ones that are finite and within [0, 1].

    float16 counts as float: every such number is a float32 too. Images of bytes none of which is above 1 are refused,
    255 being white: they are meant as 0 and 1.
    """
    if array.size == 0:
        raise ValueError(f"`{name}` must not be empty, got shape {array.shape}")
    if array.dtype == np.uint8:
        if array.max() == 1:
            raise ValueError(
                f"`{name}` must hold bytes of which 255 is white, got none above 1: next to black; if 1 is white, save "
                f"{name}.astype('float32')"
            )
        return
    if array.dtype.kind != "f" or array.dtype.itemsize > 8:
        advice = f"; save {name}.astype('uint8') if 255 is white" if array.dtype.kind in "iu" else ""
        raise ValueError(
            f"`{name}` must be uint8, or float32 or float64 pixels in [0, 1], got {array.dtype.name}{advice}"
        )
    affected = int((~np.isfinite(array)).reshape(len(array), -1).any(axis=1).sum())
    if affected:
        raise ValueError(f"`{name}` must be finite, got NaN or infinity in {affected} of {len(array)} images")
    low, high = float(array.min()), float(array.max())
    if low < 0 or high > 1:
        raise ValueError(f"`{name}` must hold pixels in [0, 1], got {low:g} to {high:g}; {_advice(name, array)}")


def layout_of(name: str, array: npt.NDArray[np.generic], stated: Layout | None) -> Layout:
    """Find the axis that holds the channels, 1 to 4, of images with four axes.

    What is stated holds. Else the only axis that can hold channels is taken; where both can, the one that leaves square
    images; where neither or both do, bytes have their channels last, as image files do, and floats are refused.

    Raises:
        ValueError: no axis can hold channels, or both can and nothing tells them apart.
    """
    possible = {one: array.shape[one.index("C")] <= MOST_CHANNELS for one in LAYOUTS}
    if stated is not None:
        if not possible[stated]:
            raise ValueError(
                f"`{name}` must have 1 to {MOST_CHANNELS} channels, got {array.shape[stated.index('C')]} under the "
                f"layout {stated} that the file states, from shape {array.shape}"
            )
        return stated
    candidates: list[Layout] = [one for one in LAYOUTS if possible[one]]
    if not candidates:
        raise ValueError(
            f"`{name}` must have its channels first or last, 1 to {MOST_CHANNELS} of them, got shape {array.shape}"
        )
    square: list[Layout] = [one for one in candidates if array.shape[one.index("H")] == array.shape[one.index("W")]]
    for some in (candidates, square):
        if len(some) == 1:
            return some[0]
    if array.dtype == np.uint8:
        return "NHWC"
    raise ValueError(
        f"`{name}` must show where its channels are, got shape {array.shape}, in which they may be first or last; save "
        f"layout='NCHW' or layout='NHWC' beside it: np.savez(file, {name}={name}, …, layout='NCHW')"
    )


def channels_first(name: str, array: npt.NDArray[np.generic], stated: Layout | None) -> npt.NDArray[np.generic]:
    """The images as a contiguous (N, channels, height, width) array of uint8, float32 or float64.

    Raises:
        ValueError: as `require_pixels` and `layout_of`, or another number of axes.
    """
    _require_axes(name, array)
    require_pixels(name, array)
    if array.ndim == 3:
        ordered = array[:, np.newaxis]
    else:
        ordered = array if layout_of(name, array, stated) == "NCHW" else np.moveaxis(array, 3, 1)
    if array.dtype == np.uint8:
        return np.ascontiguousarray(ordered)
    return np.ascontiguousarray(ordered, dtype=np.float64 if array.dtype.itemsize == 8 else np.float32)


def image_shape(name: str, array: npt.NDArray[np.generic], stated: Layout | None) -> tuple[int, int, int]:
    """(channels, height, width), from the array's shape and dtype alone. Raises ValueError as `channels_first` does."""
    _require_axes(name, array)
    if array.dtype != np.uint8 and (array.dtype.kind != "f" or array.size == 0):
        require_pixels(name, array)
    if array.ndim == 3:
        return 1, *array.shape[1:]
    layout = layout_of(name, array, stated)
    return tuple(array.shape[layout.index(axis)] for axis in "CHW")


def _require_axes(name: str, array: npt.NDArray[np.generic]) -> None:
    if array.ndim not in (3, 4):
        raise ValueError(f"`{name}` must have shape {SHAPES}, got {array.shape}")


def stated_layout(arrays: Mapping[str, npt.NDArray[np.generic]]) -> Layout | None:
    """The array `layout`, where there is one. Raises ValueError unless it is the text NCHW or NHWC."""
    if "layout" not in arrays:
        return None
    text = str(arrays["layout"])
    if text == "NCHW" or text == "NHWC":  # noqa: PLR1714 - type checkers follow this form
        return text
    raise ValueError(f"`layout` must be {' or '.join(LAYOUTS)}, got {text[:40]!r}")


def _advice(name: str, array: npt.NDArray[np.generic]) -> str:
    """Advice on floats outside of [0, 1]."""
    if array.min() < 0:
        return "give the pixels themselves, and let the model standardise them"
    if array.max() <= 255 and not np.any(np.mod(array, 1)):
        return f"divide {name} by 255, or save {name}.astype('uint8')"
    return f"divide {name} by what stands for white, such as 255"
