"""The data sets that there are, as plain data: they are listed without torch, and none is read."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple, final

from natrob_empirical.names.near_names import near_names

from .data_root import resolve_data_root


@final
@dataclass(frozen=True, kw_only=True)
class DatasetInfo:
    """The properties of a data set that are known without reading it.

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

    def require_training_images(self) -> None:
        """Raise ValueError if there are none, as with a user's file of test arrays alone."""
        require_training_images(self.name, self.train_size)


class KnownDataset(NamedTuple):
    """A data set that has a name; its files are expected at `root/folder/file`, none where a package brings it.

    Attributes:
        info: its properties.
        load: "module:function", imported when it is read and called with (known, root, download=...).
        folder, files: where its files are expected.
        torchvision_class: what `torchvision_source` reads it with.
    """

    info: DatasetInfo
    load: str = "natrob_empirical.datasets.torchvision_source:load"
    folder: str = ""
    files: tuple[str, ...] = ()
    torchvision_class: str = ""

    def present(self, root: Path) -> bool:
        """Whether all files are under this data root; their contents are not read."""
        return all((root / self.folder / file).is_file() for file in self.files)


def _ten_classes(
    name: str, title: str, image_shape: tuple[int, int, int], train_size: int, test_size: int, origin: str
) -> DatasetInfo:
    return DatasetInfo(
        name=name,
        title=title,
        image_shape=image_shape,
        num_classes=10,
        train_size=train_size,
        test_size=test_size,
        origin=origin,
        present=False,
    )


_DIGITS_ORIGIN: Final = "bundled with scikit-learn (UCI Optical Recognition of Handwritten Digits, test part)"
_IDX_FILES: Final = tuple(
    f"{part}-{content}-ubyte" for part in ("train", "t10k") for content in ("images-idx3", "labels-idx1")
)
_FASHION_ORIGIN: Final = "https://github.com/zalandoresearch/fashion-mnist"
_CIFAR_ORIGIN: Final = "https://www.cs.toronto.edu/~kriz/cifar.html"
_JPEG_ORIGIN: Final = "CIFAR-10 (Krizhevsky, 2009), every image as JPEG of quality 75"
_CIFAR_FILES: Final = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta")

DIGITS: Final = KnownDataset(
    _ten_classes("digits", "Handwritten digits 8×8", (1, 8, 8), 1437, 360, _DIGITS_ORIGIN),
    load="natrob_empirical.datasets.digits:load",
)
MNIST: Final = KnownDataset(
    _ten_classes("mnist", "MNIST", (1, 28, 28), 60_000, 10_000, "http://yann.lecun.com/exdb/mnist/"),
    folder="MNIST/raw",
    files=_IDX_FILES,
    torchvision_class="MNIST",
)
FASHION_MNIST: Final = KnownDataset(
    _ten_classes("fashion_mnist", "Fashion-MNIST", (1, 28, 28), 60_000, 10_000, _FASHION_ORIGIN),
    folder="FashionMNIST/raw",
    files=_IDX_FILES,
    torchvision_class="FashionMNIST",
)
CIFAR10: Final = KnownDataset(
    _ten_classes("cifar10", "CIFAR-10", (3, 32, 32), 50_000, 10_000, _CIFAR_ORIGIN),
    folder="cifar-10-batches-py",
    files=_CIFAR_FILES,
    torchvision_class="CIFAR10",
)
CIFAR10_JPEG: Final = KnownDataset(
    _ten_classes("cifar10_jpeg", "CIFAR-10 (JPEG q75)", (3, 32, 32), 50_000, 10_000, _JPEG_ORIGIN),
    load="natrob_empirical.datasets.jpeg_bundle:load",
    folder="cifar10-jpeg",
    files=("jpeg_bytes_train.npz", "jpeg_bytes_test.npz"),
)
KNOWN: Final = {known.info.name: known for known in (DIGITS, MNIST, FASHION_MNIST, CIFAR10, CIFAR10_JPEG)}
"""The data sets by name."""


def known_datasets(*, data_root: str | os.PathLike[str] | None = None) -> tuple[DatasetInfo, ...]:
    """Every data set that has a name, and whether its files are under the data root. Reads no data."""
    root = resolve_data_root(data_root)
    return tuple(replace(known.info, present=known.present(root)) for known in KNOWN.values())


def require_dataset_name(name_or_path: str | os.PathLike[str], *, argument: str = "name_or_path") -> str:
    """The text. Raises ValueError, naming the argument, unless it is a known name or ends in .npz."""
    text = os.fspath(name_or_path)
    if text in KNOWN or text.lower().endswith(".npz"):
        return text
    raise ValueError(
        f"`{argument}` must be one of {', '.join(KNOWN)}, or the path of a .npz file, got {text!r}"
        f"{near_names(text, KNOWN)}"
    )


def require_training_images(name: str, count: int) -> None:
    """Raise ValueError, naming the data set, if it has none."""
    if count == 0:
        raise ValueError(
            f"{name} must hold train_x and train_y to train on; it has test images only, with which a model can be "
            f"attacked, diagnosed and certified"
        )
