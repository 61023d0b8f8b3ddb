import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from natrob_empirical.datasets import DatasetUnavailableError, known_datasets, load_dataset
from natrob_empirical.datasets.registry import CIFAR10_JPEG

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


def flat(colour: tuple[int, int, int]) -> Pixels:
    return np.broadcast_to(np.array(colour, dtype=np.uint8), (32, 32, 3)).copy()


def write_bundle(path: Path, images: list[Pixels], labels: list[int], *, spare: int = 1) -> None:
    files = []
    for image in images:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, format="JPEG", quality=75)
        files.append(buffer.getvalue())
    offsets = np.cumsum([0, *map(len, files)])[: len(files) + spare]
    blob = np.frombuffer(b"".join(files), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, blob=blob, offsets=offsets, labels=np.array(labels, dtype=np.uint8))


def write_all(root: Path, **options: Any) -> None:
    train, test = (root / CIFAR10_JPEG.folder / file for file in CIFAR10_JPEG.files)
    write_bundle(train, [flat((200, 10, 60)), flat((0, 0, 0)), flat((20, 200, 90))], [3, 0, 9], **options)
    write_bundle(test, [flat((255, 255, 255))], [7], **options)


def test_each_part_is_decoded_channels_first_and_in_order(tmp_path: Path) -> None:
    write_all(tmp_path)
    dataset = load_dataset("cifar10_jpeg", data_root=tmp_path)
    assert dataset.title == "CIFAR-10 (JPEG q75)"
    assert dataset.train_x.shape == (3, 3, 32, 32)
    assert dataset.train_y.tolist() == [3, 0, 9]
    assert dataset.test_y.tolist() == [7]
    assert torch.equal(dataset.test_x, torch.full((1, 3, 32, 32), 255, dtype=torch.uint8))
    mean = dataset.train_x.float().mean(dim=(2, 3))
    expected = torch.tensor([[200.0, 10.0, 60.0], [0.0, 0.0, 0.0], [20.0, 200.0, 90.0]])
    torch.testing.assert_close(mean, expected, atol=3.0, rtol=0)


def test_missing_files_are_named_and_nothing_is_downloaded(tmp_path: Path) -> None:
    with pytest.raises(
        DatasetUnavailableError, match=r"there is no download(.|\n)*jpeg_bytes_train\.npz, jpeg_bytes_te"
    ):
        load_dataset("cifar10_jpeg", data_root=tmp_path)
    (info,) = [info for info in known_datasets(data_root=tmp_path) if info.name == "cifar10_jpeg"]
    assert not info.present


def test_a_file_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    write_all(tmp_path, spare=0)
    with pytest.raises(DatasetUnavailableError, match="must hold one offset more than labels, got 3 and 3"):
        load_dataset("cifar10_jpeg", data_root=tmp_path)
    (tmp_path / CIFAR10_JPEG.folder / CIFAR10_JPEG.files[0]).write_bytes(b"no archive")
    with pytest.raises(DatasetUnavailableError, match="could not be read"):
        load_dataset("cifar10_jpeg", data_root=tmp_path)
