from pathlib import Path

import pytest

from natrob_empirical.datasets import known_datasets, load_dataset
from natrob_empirical.datasets.registry import CIFAR10


def test_every_known_dataset_is_listed(tmp_path: Path) -> None:
    listed = known_datasets(data_root=tmp_path)
    assert [info.name for info in listed] == ["digits", "mnist", "fashion_mnist", "cifar10", "cifar10_jpeg"]
    assert [info.present for info in listed] == [True, False, False, False, False]
    assert [info.image_shape for info in listed] == [(1, 8, 8), (1, 28, 28), (1, 28, 28), (3, 32, 32), (3, 32, 32)]
    assert {info.num_classes for info in listed} == {10}


def test_files_are_found_under_the_root(tmp_path: Path) -> None:
    (tmp_path / CIFAR10.folder).mkdir()
    for file in CIFAR10.files:
        assert not known_datasets(data_root=tmp_path)[3].present
        (tmp_path / CIFAR10.folder / file).touch()
    assert known_datasets(data_root=tmp_path)[3].present


def test_the_listing_tells_the_truth_about_digits() -> None:
    info, dataset = known_datasets()[0], load_dataset("digits")
    assert (info.train_size, info.test_size) == (len(dataset.train_x), len(dataset.test_x))
    assert (info.image_shape, info.num_classes) == (dataset.image_shape, dataset.num_classes)
    assert (info.name, info.title, info.origin) == (dataset.name, dataset.title, dataset.source)


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("minst", r"got 'minst'; did you mean mnist\?"),
        ("Fashion-MNIST", "did you mean fashion_mnist"),
        ("imagenet", "got 'imagenet'$"),
        ("", "got ''$"),
    ],
)
def test_an_unknown_name_lists_the_known_ones(name: str, ending: str) -> None:
    names = "digits, mnist, fashion_mnist, cifar10, cifar10_jpeg"
    known = f"`name_or_path` must be one of {names}, or the path of a .npz file, "
    with pytest.raises(ValueError, match=known + ".*" + ending):
        load_dataset(name)


@pytest.mark.usefixtures("unchecked")
def test_something_else_than_a_name_is_refused() -> None:
    with pytest.raises(TypeError, match=r"str, bytes or os\.PathLike"):
        load_dataset(3)  # pyright: ignore[reportArgumentType] - the error is the point
