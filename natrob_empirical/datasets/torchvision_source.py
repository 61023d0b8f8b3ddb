"""MNIST, Fashion-MNIST and CIFAR-10, read from (and downloaded in) torchvision's own layout."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np
import torch
from torch import Tensor
from torchvision import datasets as torchvision_datasets

from .data_root import DatasetUnavailableError
from .dataset import Dataset

_IDX_FILES: Final = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_CIFAR_FILES: Final = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta")

# What torchvision raises for missing, truncated or foreign files and for failed downloads (URLError is an
# OSError).
_FAILURES: Final = (
    RuntimeError,
    OSError,
    ValueError,
    AssertionError,
    EOFError,
    KeyError,
    pickle.UnpicklingError,
)


@final
@dataclass(frozen=True, kw_only=True)
class TorchvisionSource:
    """One of torchvision's data sets: how it is called, what it holds, and where its files lie.

    Attributes:
        reader: torchvision's class, called as `reader(root, train=..., download=...)`.
        folder, files: the files expected are `root/folder/file`.
        image_shape: (channels, height, width).
        origin: the web page of the data.
    """

    name: str
    title: str
    reader: Callable[..., Any]
    folder: str
    files: tuple[str, ...]
    image_shape: tuple[int, int, int]
    train_size: int
    test_size: int
    origin: str

    def present(self, root: Path) -> bool:
        """Whether all files are under this data root; their contents are not read."""
        return all((root / self.folder / file).is_file() for file in self.files)

    def load(self, root: Path, *, download: bool) -> Dataset:
        """Read the data set; where a file is missing and `download` is true, torchvision downloads it first.

        Raises:
            DatasetUnavailableError: missing files and no download, a failed download, or unreadable files;
                the message names the folder, the files expected and the underlying error.
        """
        fetch = download and not self.present(root)
        try:
            parts = [self.reader(root, train=train, download=fetch) for train in (True, False)]
            (train_x, train_y), (test_x, test_y) = (_tensors(part) for part in parts)
            return Dataset(
                name=self.name,
                title=self.title,
                train_x=train_x,
                train_y=train_y,
                test_x=test_x,
                test_y=test_y,
                num_classes=10,
                pixel_scale=255,
                source=f"torchvision.datasets, {self.origin}",
            )
        except _FAILURES as error:
            raise self._unavailable(root, error, fetch=fetch) from error

    def _unavailable(self, root: Path, error: BaseException, *, fetch: bool) -> DatasetUnavailableError:
        if fetch:
            problem = "is not there and its download failed"
        elif self.present(root):
            problem = "is there but could not be read"
        else:
            problem = "is not there and downloading was not asked for"
        return DatasetUnavailableError(
            f"The data set {self.name!r} {problem}.\n"
            f"Folder: {root / self.folder}\n"
            f"Files expected: {', '.join(self.files)}\n"
            f"Error: {type(error).__name__}: {error}\n"
            "Put the files there, or name the folder above it with `data_root` or the environment variable "
            "NATROB_DATA."
        )


def _tensors(part: Any) -> tuple[Tensor, Tensor]:
    """Images (N, C, H, W) and labels of torchvision's object, which holds N×H×W tensors or N×H×W×C arrays."""
    images = torch.as_tensor(part.data)
    images = images.unsqueeze(1) if images.dim() == 3 else images.permute(0, 3, 1, 2).contiguous()
    return images, torch.as_tensor(np.asarray(part.targets), dtype=torch.int64)


TORCHVISION_SOURCES: Final = (
    TorchvisionSource(
        name="mnist",
        title="MNIST",
        reader=torchvision_datasets.MNIST,
        folder="MNIST/raw",
        files=_IDX_FILES,
        image_shape=(1, 28, 28),
        train_size=60_000,
        test_size=10_000,
        origin="http://yann.lecun.com/exdb/mnist/",
    ),
    TorchvisionSource(
        name="fashion_mnist",
        title="Fashion-MNIST",
        reader=torchvision_datasets.FashionMNIST,
        folder="FashionMNIST/raw",
        files=_IDX_FILES,
        image_shape=(1, 28, 28),
        train_size=60_000,
        test_size=10_000,
        origin="https://github.com/zalandoresearch/fashion-mnist",
    ),
    TorchvisionSource(
        name="cifar10",
        title="CIFAR-10",
        reader=torchvision_datasets.CIFAR10,
        folder="cifar-10-batches-py",
        files=_CIFAR_FILES,
        image_shape=(3, 32, 32),
        train_size=50_000,
        test_size=10_000,
        origin="https://www.cs.toronto.edu/~kriz/cifar.html",
    ),
)
