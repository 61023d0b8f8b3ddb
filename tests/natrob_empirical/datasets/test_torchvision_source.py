import gzip
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch

from natrob_empirical.datasets import DatasetUnavailableError, known_datasets, load_dataset, torchvision_source
from natrob_empirical.datasets.registry import CIFAR10, KNOWN, MNIST


def write_idx(path: Path, array: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    """The idx format: two zero bytes, the type code 8 (bytes), the number of axes, their sizes, the data."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    path.write_bytes(header + array.tobytes())


def write_mnist(root: Path, train: int = 5, test: int = 3) -> None:
    folder = root / MNIST.folder
    folder.mkdir(parents=True)
    for part, count in (("train", train), ("t10k", test)):
        images = np.arange(count * 784, dtype=np.uint64).astype(np.uint8).reshape(count, 28, 28)
        write_idx(folder / f"{part}-images-idx3-ubyte", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte", np.arange(count, dtype=np.uint8))


def test_files_in_torchvisions_layout_are_read(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    dataset = load_dataset("mnist", data_root=tmp_path, download=False)
    assert dataset.train_x.shape == (5, 1, 28, 28)
    assert dataset.test_y.tolist() == [0, 1, 2]
    assert dataset.train_x[0, 0].flatten()[:3].tolist() == [0, 1, 2]


def test_present_files_are_never_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_mnist(tmp_path)
    monkeypatch.setattr("torchvision.datasets.MNIST.download", lambda _: pytest.fail("downloaded"))
    assert load_dataset("mnist", data_root=tmp_path).name == "mnist"


def test_colour_images_become_channels_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.arange(2 * 32 * 32 * 3, dtype=np.uint64).astype(np.uint8).reshape(2, 32, 32, 3)

    def read(_root: Path, *, train: bool, download: bool) -> SimpleNamespace:
        assert download
        return SimpleNamespace(data=pixels[: 2 if train else 1], targets=[3, 9][: 2 if train else 1])

    monkeypatch.setattr(torchvision_source.torchvision_datasets, "CIFAR10", read)
    dataset = torchvision_source.load(CIFAR10, tmp_path, download=True)
    assert dataset.train_x.shape == (2, 3, 32, 32)
    assert dataset.train_x[1, 2, 5, 7] == pixels[1, 5, 7, 2]
    assert dataset.train_y.tolist() == [3, 9]
    assert dataset.test_y.dtype == torch.int64


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
def test_missing_files_without_a_download_are_named(name: str, tmp_path: Path) -> None:
    source = KNOWN[name]
    with pytest.raises(DatasetUnavailableError) as caught:
        load_dataset(name, data_root=tmp_path, download=False)
    message = str(caught.value)
    assert f"{name!r} is not there and downloading was not asked for" in message
    assert str(tmp_path / source.folder) in message
    assert all(file in message for file in source.files)
    assert "NATROB_DATA" in message


@pytest.mark.parametrize("error", [RuntimeError("Error downloading"), URLError("no route"), PermissionError("denied")])
def test_a_failed_download_is_explained(error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr("torchvision.datasets.MNIST.download", fail)
    with pytest.raises(DatasetUnavailableError, match="is not there and its download failed") as caught:
        load_dataset("mnist", data_root=tmp_path)
    assert f"Error: {type(error).__name__}: {error}" in str(caught.value)
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("content", [b"", b"\0\0\x08\x03\0\0", gzip.compress(b"still packed", mtime=0)])
def test_damaged_files_are_not_taken_for_missing(content: bytes, tmp_path: Path) -> None:
    write_mnist(tmp_path)
    (tmp_path / MNIST.folder / "train-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(DatasetUnavailableError, match="'mnist' is there but could not be read"):
        load_dataset("mnist", data_root=tmp_path)


def test_cut_short_files_are_noticed(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    path = tmp_path / MNIST.folder / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DatasetUnavailableError, match="could not be read"):
        load_dataset("mnist", data_root=tmp_path)


def test_damaged_cifar_files_are_noticed(tmp_path: Path) -> None:
    (tmp_path / CIFAR10.folder).mkdir()
    for file in CIFAR10.files:
        (tmp_path / CIFAR10.folder / file).write_bytes(b"no pickle")
    with pytest.raises(DatasetUnavailableError, match="'cifar10' is there but could not be read"):
        load_dataset("cifar10", data_root=tmp_path)


@pytest.mark.mnist
def test_the_real_mnist(mnist_root: Path) -> None:
    dataset = load_dataset("mnist", data_root=mnist_root, download=False)
    info = known_datasets(data_root=mnist_root)[1]
    assert info.present
    assert (len(dataset.train_x), len(dataset.test_x)) == (info.train_size, info.test_size) == (60_000, 10_000)
    assert (dataset.image_shape, dataset.num_classes) == (info.image_shape, info.num_classes)
    assert torch.bincount(dataset.test_y).max() == 1135  # the largest class share, 11.35 %, of theory.md
    assert dataset.test_y[:5].tolist() == [7, 2, 1, 0, 4]
    assert (int(dataset.train_x.min()), int(dataset.train_x.max())) == (0, 255)
