"""The data sets that have a name, as plain data: they are listed without torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, final


@final
@dataclass(frozen=True, kw_only=True)
class CatalogueEntry:
    """What is known of a data set without reading it.

    Attributes:
        name: what `load_dataset` takes.
        title: the name to print.
        image_shape: (channels, height, width).
        num_classes, train_size, test_size: the numbers of classes, training and test images.
        origin: where the data comes from.
        folder, files: the files expected are `root/folder/file`; none where the data comes with a package.
    """

    name: str
    title: str
    image_shape: tuple[int, int, int]
    num_classes: int = 10
    train_size: int
    test_size: int
    origin: str
    folder: str = ""
    files: tuple[str, ...] = ()

    def present(self, root: Path) -> bool:
        """Whether all files are under this data root; their contents are not read."""
        return all((root / self.folder / file).is_file() for file in self.files)


_IDX_FILES: Final = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

DIGITS: Final = CatalogueEntry(
    name="digits",
    title="Handwritten digits 8×8",
    image_shape=(1, 8, 8),
    train_size=1437,
    test_size=360,
    origin="bundled with scikit-learn (UCI Optical Recognition of Handwritten Digits, test part)",
)
MNIST: Final = CatalogueEntry(
    name="mnist",
    title="MNIST",
    image_shape=(1, 28, 28),
    train_size=60_000,
    test_size=10_000,
    origin="http://yann.lecun.com/exdb/mnist/",
    folder="MNIST/raw",
    files=_IDX_FILES,
)
FASHION_MNIST: Final = CatalogueEntry(
    name="fashion_mnist",
    title="Fashion-MNIST",
    image_shape=(1, 28, 28),
    train_size=60_000,
    test_size=10_000,
    origin="https://github.com/zalandoresearch/fashion-mnist",
    folder="FashionMNIST/raw",
    files=_IDX_FILES,
)
CIFAR10: Final = CatalogueEntry(
    name="cifar10",
    title="CIFAR-10",
    image_shape=(3, 32, 32),
    train_size=50_000,
    test_size=10_000,
    origin="https://www.cs.toronto.edu/~kriz/cifar.html",
    folder="cifar-10-batches-py",
    files=(*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta"),
)
CATALOGUE: Final = (DIGITS, MNIST, FASHION_MNIST, CIFAR10)
