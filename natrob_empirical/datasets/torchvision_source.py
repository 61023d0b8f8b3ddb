"""Data sets that torchvision reads, and downloads, in its own layout."""

import pickle
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torchvision import datasets as torchvision_datasets

from .data_root import DatasetUnavailableError
from .dataset import Dataset
from .registry import KnownDataset

# torchvision raises these for missing, truncated or foreign files and for failed downloads (URLError is an OSError).
_FAILURES: Final = (RuntimeError, OSError, ValueError, AssertionError, EOFError, KeyError, pickle.UnpicklingError)


def load(known: KnownDataset, root: Path, *, download: bool) -> Dataset:
    """Read the data set; where a file is missing and `download` is true, torchvision downloads it first.

    Raises:
        DatasetUnavailableError: missing files and no download, a failed download, or unreadable files;
            the message names the folder, the files expected and the underlying error.
    """
    fetch = download and not known.present(root)
    reader = getattr(torchvision_datasets, known.torchvision_class)
    try:
        parts = [reader(root, train=train, download=fetch) for train in (True, False)]
        (train_x, train_y), (test_x, test_y) = (_tensors(part) for part in parts)
        return Dataset(
            name=known.info.name,
            title=known.info.title,
            train_x=train_x,
            train_y=train_y,
            test_x=test_x,
            test_y=test_y,
            num_classes=known.info.num_classes,
            pixel_scale=255,
            source=f"torchvision.datasets, {known.info.origin}",
        )
    except _FAILURES as error:
        raise _unavailable(known, root, error, fetch=fetch) from error


def _unavailable(known: KnownDataset, root: Path, error: BaseException, *, fetch: bool) -> DatasetUnavailableError:
    if fetch:
        problem = "is not there and its download failed"
    elif known.present(root):
        problem = "is there but could not be read"
    else:
        problem = "is not there and downloading was not asked for"
    return DatasetUnavailableError(
        f"The data set {known.info.name!r} {problem}.\n"
        f"Folder: {root / known.folder}\n"
        f"Files expected: {', '.join(known.files)}\n"
        f"Error: {type(error).__name__}: {error}\n"
        "Put the files there, or name the folder above it with `data_root` or the environment variable "
        "NATROB_DATA."
    )


def _tensors(part: Any) -> tuple[Tensor, Tensor]:
    """Images (N, C, H, W) and labels of torchvision's object, which holds N×H×W tensors or N×H×W×C arrays."""
    images = torch.as_tensor(part.data)
    images = images.unsqueeze(1) if images.dim() == 3 else images.permute(0, 3, 1, 2).contiguous()
    return images, torch.as_tensor(np.asarray(part.targets), dtype=torch.int64)
