import re
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
import torch

from natrob_empirical.datasets import Dataset


def small_dataset(**changes: Any) -> Dataset:
    arguments: dict[str, Any] = {
        "name": "small",
        "title": "Small",
        "train_x": torch.tensor([0, 64, 128, 255], dtype=torch.uint8).reshape(4, 1, 1, 1).repeat(1, 3, 2, 5),
        "train_y": torch.tensor([0, 1, 1, 0]),
        "test_x": torch.zeros(2, 3, 2, 5, dtype=torch.uint8),
        "test_y": torch.tensor([1, 0]),
        "num_classes": 2,
        "pixel_scale": 255,
        "source": "made up",
    }
    return Dataset(**(arguments | changes))


def test_images_are_bytes_divided_by_the_scale() -> None:
    dataset = small_dataset()
    images = dataset.to_images(dataset.train_x)
    assert images.dtype == torch.float32
    assert images[:, 0, 0, 0].tolist() == pytest.approx([0, 64 / 255, 128 / 255, 1], abs=1e-7)
    assert float(images.max()) == 1.0
    assert dataset.image_shape == (3, 2, 5)


@pytest.mark.usefixtures("unchecked")
def test_only_stored_images_are_converted() -> None:
    with pytest.raises(TypeError, match=re.escape("`x` must be a uint8 tensor of stored images, got torch.float32")):
        small_dataset().to_images(torch.zeros(1, 3, 2, 5))


def test_a_subset_is_a_prefix() -> None:
    dataset = small_dataset()
    part = dataset.subset(train=3, test=1)
    assert torch.equal(part.train_x, dataset.train_x[:3])
    assert part.train_y.tolist() == [0, 1, 1]
    assert part.test_y.tolist() == [1]
    assert (part.name, part.num_classes, part.pixel_scale) == ("small", 2, 255)
    whole = dataset.subset()
    assert (len(whole.train_x), len(whole.test_x)) == (4, 2)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"train": 5}, ValueError, "`train` must be at most 4, the number of images there are, got 5"),
        ({"test": 0}, ValueError, "`test` must be at least 1, got 0"),
        ({"test": 1.5}, TypeError, "`test` must be an integer, got 1.5"),
    ],
)
def test_a_wrong_subset_is_refused(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        small_dataset().subset(**arguments)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"train_x": torch.zeros(4, 3, 2, 5).half()}, TypeError, "`train_x` must be uint8, float32 or float64, got"),
        ({"train_x": torch.zeros(4, 3, 2, 5)}, ValueError, "`pixel_scale` must be 1 for float images, got 255"),
        (
            {"train_x": torch.full((4, 3, 2, 5), 1.5), "pixel_scale": 1},
            ValueError,
            r"`train_x` must hold pixels in \[0, 1\], got 1.5 to 1.5",
        ),
        (
            {"test_x": torch.full((2, 3, 2, 5), torch.nan), "train_x": torch.zeros(4, 3, 2, 5), "pixel_scale": 1},
            ValueError,
            r"`test_x` must hold pixels in \[0, 1\], got nan to nan",
        ),
        ({"test_x": torch.zeros(2, 3, 2, dtype=torch.uint8)}, ValueError, "`test_x` must be non-empty, of shape"),
        ({"test_x": torch.zeros(0, 3, 2, 5, dtype=torch.uint8)}, ValueError, "`test_x` must be non-empty"),
        ({"pixel_scale": 16}, ValueError, "`train_x` must not exceed `pixel_scale` = 16, got 255"),
        ({"pixel_scale": 256}, ValueError, "`pixel_scale` must be at most 255, got 256"),
        ({"num_classes": 1}, ValueError, "`num_classes` must be at least 2, got 1"),
        ({"train_y": torch.zeros(4)}, TypeError, "`train_y` must be int64, got torch.float32"),
        ({"train_y": torch.zeros(3).long()}, ValueError, r"`train_y` must have shape \(4,\), got \(3,\)"),
        ({"test_y": torch.tensor([0, 2])}, ValueError, "`test_y` must hold labels from 0 to 1, got 0 to 2"),
        ({"test_y": torch.tensor([-1, 1])}, ValueError, "`test_y` must hold labels from 0 to 1, got -1 to 1"),
        (
            {"test_x": torch.zeros(2, 1, 2, 5, dtype=torch.uint8)},
            ValueError,
            r"images of one shape, got \(3, 2, 5\) and \(1, 2, 5\)",
        ),
    ],
)
def test_a_wrong_attribute_is_refused(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        small_dataset(**changes)


@pytest.mark.usefixtures("unchecked")
def test_a_dataset_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        small_dataset().name = "other"  # pyright: ignore[reportAttributeAccessIssue] - the error is the point
    assert replace(small_dataset(), name="other").name == "other"
