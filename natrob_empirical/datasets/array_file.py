"""A user's own images, from one .npz file of four arrays."""

import zipfile
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from .dataset import Dataset

_ARRAYS: Final = ("train_x", "train_y", "test_x", "test_y")


def load(path: Path) -> Dataset:
    """Read train_x, train_y, test_x and test_y from a .npz file; other arrays in it are ignored.

    Images are uint8 of shape (N, height, width) or (N, height, width, channels) with 1 to 4 channels, 255
    being white. Labels are integers of shape (N,); the training labels use every class from 0 to the largest.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: anything else that is wrong; the message names the file, the array, the requirement and
            what came.
    """
    arrays = _read_arrays(path)
    images = {part: _images(path, f"{part}_x", arrays[f"{part}_x"]) for part in ("train", "test")}
    labels = {part: _labels(path, f"{part}_y", arrays[f"{part}_y"], len(images[part])) for part in ("train", "test")}
    if images["train"].shape[1:] != images["test"].shape[1:]:
        raise ValueError(
            f"{path}: `train_x` and `test_x` must hold images of one shape, "
            f"got {images['train'].shape[1:]} and {images['test'].shape[1:]}"
        )
    num_classes = _count_classes(path, labels["train"], labels["test"])
    return Dataset(
        name=path.stem,
        title=path.stem,
        train_x=torch.from_numpy(images["train"]),
        train_y=torch.from_numpy(labels["train"]),
        test_x=torch.from_numpy(images["test"]),
        test_y=torch.from_numpy(labels["test"]),
        num_classes=num_classes,
        pixel_scale=255,
        source=f"the arrays in {path.name}",
    )


def _read_arrays(path: Path) -> dict[str, npt.NDArray[np.generic]]:
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no such file; a .npz file with {', '.join(_ARRAYS)} is required")
    if not path.is_file() or not zipfile.is_zipfile(path):
        raise ValueError(f"{path}: must be a .npz file (a zip archive of arrays), got something else or a damaged one")
    try:
        archive = np.load(path, allow_pickle=False)
    except Exception as error:
        raise ValueError(f"{path}: must be a readable .npz file, got {type(error).__name__}: {error}") from error
    with archive:
        missing = [name for name in _ARRAYS if name not in archive.files]
        if missing:
            raise ValueError(
                f"{path}: must hold the arrays {', '.join(_ARRAYS)}; missing: {', '.join(missing)}; "
                f"found: {', '.join(archive.files) or 'none'}"
            )
        return {name: _read_array(path, archive, name) for name in _ARRAYS}


def _read_array(path: Path, archive: np.lib.npyio.NpzFile, name: str) -> npt.NDArray[np.generic]:
    try:
        array = archive[name]
    except Exception as error:  # damaged bytes make zipfile, zlib and numpy's header parser raise all kinds
        raise ValueError(
            f"{path}: `{name}` must be a plain numeric array, reading it gave {type(error).__name__}: {error}"
        ) from error
    if not isinstance(array, np.ndarray):
        raise ValueError(f"{path}: `{name}` must be an array in numpy's format, got {type(array).__name__}")
    return array


def _images(path: Path, name: str, array: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """The images as a contiguous (N, channels, height, width) array."""
    if array.dtype != np.uint8:
        advice = "; multiply pixels in [0, 1] by 255 and round them" if array.dtype.kind == "f" else ""
        raise ValueError(f"{path}: `{name}` must be uint8, got {array.dtype}{advice}")
    if array.ndim not in (3, 4):
        raise ValueError(
            f"{path}: `{name}` must have shape (N, height, width) or (N, height, width, channels), got {array.shape}"
        )
    if array.size == 0:
        raise ValueError(f"{path}: `{name}` must not be empty, got shape {array.shape}")
    if array.ndim == 4 and array.shape[3] > 4:
        raise ValueError(f"{path}: `{name}` must have its channels last, 1 to 4 of them, got shape {array.shape}")
    channels_last = array[..., np.newaxis] if array.ndim == 3 else array
    return np.ascontiguousarray(np.moveaxis(channels_last, 3, 1)).astype(np.uint8, copy=False)


def _labels(path: Path, name: str, array: npt.NDArray[np.generic], count: int) -> npt.NDArray[np.int64]:
    if array.dtype.kind not in "iu":
        raise ValueError(f"{path}: `{name}` must hold integers, got {array.dtype}")
    if array.ndim != 1:
        raise ValueError(f"{path}: `{name}` must have shape (N,), got {array.shape}")
    if len(array) != count:
        raise ValueError(f"{path}: `{name}` must hold one label per image of `{name[:-1]}x`, {count}, got {len(array)}")
    smallest, largest = int(array.min()), int(array.max())
    if smallest < 0 or largest > np.iinfo(np.int64).max:
        raise ValueError(f"{path}: `{name}` must hold class numbers from 0 up, got {smallest} to {largest}")
    return array.astype(np.int64)


def _count_classes(path: Path, train_y: npt.NDArray[np.int64], test_y: npt.NDArray[np.int64]) -> int:
    """The number of classes, which the training labels must use all of."""
    used = np.unique(train_y)
    expected = np.arange(max(len(used), 2))
    if not np.array_equal(used, expected):
        raise ValueError(
            f"{path}: `train_y` must use at least 2 classes, numbered from 0 without a gap, "
            f"got the labels {_listing(used)}"
        )
    unseen = np.setdiff1d(test_y, used)
    if len(unseen):
        raise ValueError(
            f"{path}: `test_y` must hold labels that `train_y` holds too, 0 to {len(used) - 1}, "
            f"got also {_listing(unseen)}"
        )
    return len(used)


def _listing(labels: npt.NDArray[np.int64]) -> str:
    shown = ", ".join(str(label) for label in labels[:10])
    return f"{shown}, …" if len(labels) > 10 else shown
