"""Which data sets there are, and loading one by name or from a file."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from natrob_empirical.near_names import near_names

from . import array_file, digits
from .data_root import resolve_data_root
from .dataset import Dataset
from .torchvision_source import TORCHVISION_SOURCES

_NAMES: Final = (digits.NAME, *(source.name for source in TORCHVISION_SOURCES))


@final
@dataclass(frozen=True, kw_only=True)
class DatasetInfo:
    """What is known of a data set without reading it.

    Attributes:
        name: what `load_dataset` takes.
        title: the name to print.
        image_shape: (channels, height, width).
        num_classes, train_size, test_size: the numbers of classes, training and test images.
        origin: where the data comes from.
        present: whether all its files are there, so that loading needs no download.
    """

    name: str
    title: str
    image_shape: tuple[int, int, int]
    num_classes: int
    train_size: int
    test_size: int
    origin: str
    present: bool


def known_datasets(*, data_root: str | os.PathLike[str] | None = None) -> tuple[DatasetInfo, ...]:
    """Every data set that has a name, and whether its files are under the data root. Reads no data."""
    root = resolve_data_root(data_root)
    bundled = DatasetInfo(
        name=digits.NAME,
        title=digits.TITLE,
        image_shape=(1, 8, 8),
        num_classes=10,
        train_size=1437,
        test_size=360,
        origin=digits.SOURCE,
        present=True,
    )
    downloadable = (
        DatasetInfo(
            name=source.name,
            title=source.title,
            image_shape=source.image_shape,
            num_classes=10,
            train_size=source.train_size,
            test_size=source.test_size,
            origin=source.origin,
            present=source.present(root),
        )
        for source in TORCHVISION_SOURCES
    )
    return (bundled, *downloadable)


def load_dataset(
    name_or_path: str | os.PathLike[str],
    *,
    data_root: str | os.PathLike[str] | None = None,
    download: bool = True,
) -> Dataset:
    """Load a known data set, or the user's arrays from a path that ends in .npz.

    Args:
        name_or_path: "digits", "mnist", "fashion_mnist", "cifar10", or the path of a .npz file with the
            arrays train_x, train_y, test_x and test_y.
        data_root: the folder data sets are kept in; None means NATROB_DATA or the user cache folder.
        download: whether torchvision may download a data set whose files are missing.

    Raises:
        ValueError: an unknown name, or a .npz file that does not hold what it must.
        FileNotFoundError: the .npz file does not exist.
        DatasetUnavailableError: the files are missing or damaged and could not be downloaded.
    """
    text = require_dataset_name(name_or_path)
    if text.lower().endswith(".npz"):
        return array_file.load(Path(text).expanduser())
    if text == digits.NAME:
        return digits.load()
    source = next(source for source in TORCHVISION_SOURCES if source.name == text)
    return source.load(resolve_data_root(data_root), download=download)


def require_dataset_name(name_or_path: str | os.PathLike[str], *, argument: str = "name_or_path") -> str:
    """The text. Raises ValueError, naming the argument, unless it is a known name or ends in .npz."""
    text = os.fspath(name_or_path)
    if text in _NAMES or text.lower().endswith(".npz"):
        return text
    raise ValueError(
        f"`{argument}` must be one of {', '.join(_NAMES)}, or the path of a .npz file, got {text!r}"
        f"{near_names(text, _NAMES)}"
    )
