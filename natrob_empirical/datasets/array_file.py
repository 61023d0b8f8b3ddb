"""A user's own images, from one .npz file: two arrays to attack on, two more to train on."""

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from natrob_empirical.names.near_names import near_files

from .dataset import Dataset
from .image_arrays import Layout, channels_first, image_shape, stated_layout
from .registry import DatasetInfo

_TEST: Final = ("test_x", "test_y")
_TRAIN: Final = ("train_x", "train_y")
_ARRAYS: Final = (*_TRAIN, *_TEST)


def load(path: Path) -> Dataset:
    """Read test_x and test_y, and train_x and train_y where they are, from a .npz file; other arrays are ignored.

    Images have the shape (N, height, width), (N, channels, height, width) or (N, height, width, channels) with 1 to 4
    channels, and are uint8, 255 being white, or floats in [0, 1], which are kept as they are (float16 as float32).
    Which axis holds the channels is seen from the shape; where it cannot be, an array layout='NCHW' or layout='NHWC'
    says it. Labels are integers of shape (N,); the training labels use every class from 0 to the largest.

    Test arrays are enough to attack, diagnose and certify a model; the number of classes is then the largest label
    plus 1, at least 2.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: anything else that is wrong; the message names the file, the array, the requirement and
            what came.
    """
    with _naming(path):
        arrays = _read_arrays(path)
        layout = stated_layout(arrays)
        test_x, test_y = _part("test", arrays, layout)
        train_x, train_y, num_classes = test_x[:0], test_y[:0], _classes_of(test_y)
        if "train_x" in arrays:
            train_x, train_y = _part("train", arrays, layout)
            _require_one_shape(train_x.shape[1:], test_x.shape[1:])
            if train_x.dtype.kind != test_x.dtype.kind:
                raise ValueError(
                    f"`train_x` and `test_x` must both be uint8 or both floats, got {train_x.dtype} and {test_x.dtype}"
                )
            num_classes = _count_classes(train_y, test_y)
        return Dataset(
            name=path.stem,
            title=path.stem,
            train_x=torch.from_numpy(train_x),
            train_y=torch.from_numpy(train_y),
            test_x=torch.from_numpy(test_x),
            test_y=torch.from_numpy(test_y),
            num_classes=num_classes,
            pixel_scale=255 if test_x.dtype == np.uint8 else 1,
            source=f"the arrays in {path.name}",
        )


def info(path: Path) -> DatasetInfo:
    """Describe the data set from the headers and the labels of the file; its images are not read.

    Raises:
        FileNotFoundError, ValueError: as `load`, as far as headers and labels show it.
    """
    with _naming(path):
        arrays = _read_arrays(path, only_headers_of=("train_x", "test_x"))
        layout = stated_layout(arrays)
        parts = [part for part in ("test", "train") if f"{part}_x" in arrays]
        shapes = {part: image_shape(f"{part}_x", arrays[f"{part}_x"], layout) for part in parts}
        labels = {part: _labels(f"{part}_y", arrays[f"{part}_y"], len(arrays[f"{part}_x"])) for part in parts}
        train_y, test_y = labels.get("train"), labels["test"]
        _require_one_shape(shapes.get("train", shapes["test"]), shapes["test"])
        return DatasetInfo(
            name=path.stem,
            title=path.stem,
            image_shape=shapes["test"],
            num_classes=_classes_of(test_y) if train_y is None else _count_classes(train_y, test_y),
            train_size=0 if train_y is None else len(train_y),
            test_size=len(test_y),
            origin=f"the arrays in {path.name}",
            present=True,
        )


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Within the block a ValueError names the file."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _require_one_shape(train: tuple[int, ...], test: tuple[int, ...]) -> None:
    if train != test:
        raise ValueError(
            f"`train_x` and `test_x` must hold images of one shape, got {train} and {test} (channels, height, width)"
        )


def _classes_of(test_y: npt.NDArray[np.int64]) -> int:
    """The number of classes where there are test labels only."""
    return max(2, int(test_y.max()) + 1)


def _part(
    part: str, arrays: dict[str, npt.NDArray[np.generic]], layout: Layout | None
) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.int64]]:
    images = channels_first(f"{part}_x", arrays[f"{part}_x"], layout)
    return images, _labels(f"{part}_y", arrays[f"{part}_y"], len(images))


def _read_arrays(path: Path, *, only_headers_of: Sequence[str] = ()) -> dict[str, npt.NDArray[np.generic]]:
    """Read the arrays that are used; of some nothing but the header, as an array of zeros that takes no memory."""
    if not path.exists():
        raise FileNotFoundError(
            f"{path}: there is no such file; a .npz file with {', '.join(_ARRAYS)} is required"
            f"{near_files(path, suffix='.npz')}"
        )
    if not path.is_file() or not zipfile.is_zipfile(path):
        raise ValueError("must be a .npz file (a zip archive of arrays), got something else or a damaged one")
    try:
        archive = np.load(path, allow_pickle=False)
    except Exception as error:
        raise ValueError(f"must be a readable .npz file, got {type(error).__name__}: {error}") from error
    with archive:
        found = archive.files
        needed = _ARRAYS if set(_TRAIN) & set(found) else _TEST
        missing = [name for name in needed if name not in found]
        if missing:
            raise ValueError(_what_is_missing(missing, found))
        names = [name for name in (*_ARRAYS, "layout") if name in found]
        return {name: _read_array(archive, name, only_header=name in only_headers_of) for name in names}


def _what_is_missing(missing: list[str], found: list[str]) -> str:
    """Name the missing arrays, those there are, and those that other names seem to mean."""
    meant = [(name, ours) for name in found if (ours := _meaning(name)) in missing]
    renamed = ", ".join(f"{name} as {ours}" for name, ours in meant)
    return (
        f"must hold the arrays {' and '.join(_TEST)}, and to train on, {' and '.join(_TRAIN)}; "
        f"missing: {', '.join(missing)}; found: {', '.join(found) or 'none'}" + (f"; save {renamed}" if renamed else "")
    )


def _meaning(name: str) -> str | None:
    """The array that a name such as "X_train", "images" or "testLabels" seems to mean; None if it means none."""
    letters = "".join(character for character in name.lower() if character.isalpha())
    part = "train" if "train" in letters else "test"
    kind = letters.replace(part, "")
    kinds = {"x": ("x", "image", "images", "data"), "y": ("y", "label", "labels", "target", "targets")}
    return next((f"{part}_{axis}" for axis, words in kinds.items() if kind in words), None)


def _read_array(archive: np.lib.npyio.NpzFile, name: str, *, only_header: bool) -> npt.NDArray[np.generic]:
    try:
        array: object = _zeros_like(archive, name) if only_header else archive[name]
    except Exception as error:  # damaged bytes make zipfile, zlib and numpy's header parser raise all kinds
        raise ValueError(
            f"`{name}` must be a plain numeric array, reading it gave {type(error).__name__}: {error}"
        ) from error
    if not isinstance(array, np.ndarray):
        raise ValueError(f"`{name}` must be an array in numpy's format, got {type(array).__name__}")
    return array


def _zeros_like(archive: np.lib.npyio.NpzFile, name: str) -> npt.NDArray[np.generic]:
    """An array of the shape and dtype that the header states; it takes no memory."""
    members = archive.zip
    assert members is not None
    with members.open(f"{name}.npy") as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    return np.broadcast_to(np.zeros((), dtype), shape)


def _labels(name: str, array: npt.NDArray[np.generic], count: int) -> npt.NDArray[np.int64]:
    if array.ndim == 2 and len(array) == count and array.shape[1] > 1:
        raise ValueError(
            f"`{name}` must have shape (N,), a class number per image, got {array.shape}; one-hot rows become numbers "
            f"by {name}.argmax(axis=1)"
        )
    if array.dtype.kind not in "iu":
        whole = array.dtype.kind == "f" and array.size > 0 and bool(np.all(np.mod(array, 1) == 0))
        advice = f"; save {name}.astype('int64')" if whole else ""
        raise ValueError(f"`{name}` must hold integers, got {array.dtype}{advice}")
    if array.ndim != 1:
        advice = f"; save {name}.ravel()" if array.size == count else ""
        raise ValueError(f"`{name}` must have shape (N,), got {array.shape}{advice}")
    if len(array) != count:
        raise ValueError(f"`{name}` must hold one label per image of `{name[:-1]}x`, {count}, got {len(array)}")
    smallest, largest = int(array.min()), int(array.max())
    if smallest < 0 or largest > np.iinfo(np.int64).max:
        raise ValueError(f"`{name}` must hold class numbers from 0 up, got {smallest} to {largest}")
    return array.astype(np.int64)


def _count_classes(train_y: npt.NDArray[np.int64], test_y: npt.NDArray[np.int64]) -> int:
    """The number of classes, which the training labels must use all of."""
    used = np.unique(train_y)
    expected = np.arange(max(len(used), 2))
    if not np.array_equal(used, expected):
        raise ValueError(
            f"`train_y` must use at least 2 classes, numbered from 0 without a gap, got the labels {_listing(used)}"
        )
    unseen = np.setdiff1d(test_y, used)
    if len(unseen):
        raise ValueError(
            f"`test_y` must hold labels that `train_y` holds too, 0 to {len(used) - 1}, got also {_listing(unseen)}"
        )
    return len(used)


def _listing(labels: npt.NDArray[np.int64]) -> str:
    shown = ", ".join(str(label) for label in labels[:10])
    return f"{shown}, …" if len(labels) > 10 else shown
