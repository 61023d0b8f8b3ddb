"""Loading a data set by name or from a file."""

import importlib
import os
from pathlib import Path

from . import array_file
from .data_root import resolve_data_root
from .dataset import Dataset
from .registry import KNOWN, DatasetInfo, known_datasets, require_dataset_name


def load_dataset(
    name_or_path: str | os.PathLike[str],
    *,
    data_root: str | os.PathLike[str] | None = None,
    download: bool = True,
) -> Dataset:
    """Load a known data set, or the user's arrays from a path that ends in .npz.

    Args:
        name_or_path: "digits", "mnist", "fashion_mnist", "cifar10", "cifar10_jpeg", or the path of a .npz file
            with the arrays train_x, train_y, test_x and test_y.
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
    known = KNOWN[text]
    module, function = known.load.split(":")
    load = getattr(importlib.import_module(module), function)
    return load(known, resolve_data_root(data_root), download=download)


def dataset_info(
    name_or_path: str | os.PathLike[str], *, data_root: str | os.PathLike[str] | None = None
) -> DatasetInfo:
    """Say what is known of a data set without its images: no pixel is read, and nothing is downloaded.

    Args:
        name_or_path: as for `load_dataset`; of a .npz file the headers and the labels are read.
        data_root: where `present` is looked for.

    Raises:
        ValueError: an unknown name, or a .npz file whose headers or labels are not what they must be.
        FileNotFoundError: the .npz file does not exist.
    """
    text = require_dataset_name(name_or_path)
    if text.lower().endswith(".npz"):
        return array_file.info(Path(text).expanduser())
    return next(info for info in known_datasets(data_root=data_root) if info.name == text)
