import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from natrob_empirical.datasets import Dataset, load_dataset
from natrob_empirical.datasets.image_arrays import Layout, layout_of


def loaded(path: Path, images: np.ndarray[Any, Any], **others: Any) -> Dataset:
    labels = np.arange(len(images)) % 2
    np.savez(path, test_x=images, test_y=labels, **others)
    return load_dataset(path)


def floats(*shape: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).random(shape)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float_images_are_kept_as_they_are(tmp_path: Path, dtype: type[np.floating[Any]]) -> None:
    images = floats(4, 3, 8, 8).astype(dtype)
    dataset = loaded(tmp_path / "mine.npz", images)
    exact = dataset.to_images(dataset.test_x, dtype=torch.float64)
    assert torch.equal(exact, torch.from_numpy(images).double())
    assert dataset.to_images(dataset.test_x).dtype == torch.float32
    assert (dataset.pixel_scale, dataset.image_shape) == (1, (3, 8, 8))


@pytest.mark.parametrize("dtype", ["float16", ">f4", ">f8"])
def test_other_floats_keep_their_values(tmp_path: Path, dtype: str) -> None:
    images = floats(4, 8, 8).astype(dtype)
    dataset = loaded(tmp_path / "mine.npz", images)
    assert torch.equal(dataset.test_x[:, 0].double(), torch.from_numpy(images.astype(np.float64)))


def test_only_images_of_the_stored_dtype_are_converted(tmp_path: Path) -> None:
    dataset = loaded(tmp_path / "mine.npz", floats(4, 8, 8))
    with pytest.raises(TypeError, match=re.escape("must be a float64 tensor of stored images, got torch.uint8")):
        dataset.to_images(torch.zeros(1, 1, 8, 8, dtype=torch.uint8))


@pytest.mark.parametrize(
    ("shape", "dtype", "layout"),
    [
        ((2, 3, 32, 32), float, "NCHW"),
        ((2, 32, 32, 3), float, "NHWC"),
        ((2, 3, 32, 32), np.uint8, "NCHW"),
        ((2, 32, 32, 3), np.uint8, "NHWC"),
        ((2, 1, 8, 9), float, "NCHW"),
        ((2, 8, 9, 1), float, "NHWC"),
        ((2, 1, 4, 4), float, "NCHW"),  # of both readings the one with square images
        ((2, 4, 4, 3), float, "NHWC"),
        ((2, 3, 4, 4), np.uint8, "NCHW"),
        ((2, 1, 1, 1), np.uint8, "NHWC"),
        ((2, 4, 5, 3), np.uint8, "NHWC"),  # bytes as image files have them
    ],
)
def test_the_channels_are_found(shape: tuple[int, ...], dtype: type, layout: Layout) -> None:
    assert layout_of("test_x", np.zeros(shape, dtype=dtype), None) == layout


@pytest.mark.parametrize("shape", [(2, 4, 5, 3), (2, 4, 4, 4), (2, 3, 5, 1), (2, 1, 2, 3)])
def test_floats_whose_channels_may_be_first_or_last_are_refused_until_the_file_says(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    images = floats(*shape)
    with pytest.raises(ValueError, match=r"mine\.npz: `test_x` must show where its channels are.*layout='NCHW'"):
        loaded(tmp_path / "mine.npz", images)
    first = loaded(tmp_path / "mine.npz", images, layout="NCHW")
    assert torch.equal(first.test_x, torch.from_numpy(images))
    last = loaded(tmp_path / "mine.npz", images, layout="NHWC")
    assert torch.equal(last.test_x, torch.from_numpy(images).permute(0, 3, 1, 2))


def test_a_layout_that_is_stated_wins_over_what_the_shape_says(tmp_path: Path) -> None:
    images = floats(2, 4, 4, 3)
    assert loaded(tmp_path / "mine.npz", images, layout="NCHW").image_shape == (4, 4, 3)


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ("nchw", "`layout` must be NCHW or NHWC, got 'nchw'"),
        (3, "`layout` must be NCHW or NHWC, got '3'"),
        ("NHWC", "`test_x` must have 1 to 4 channels, got 8 under the layout NHWC that the file states"),
    ],
)
def test_a_wrong_layout_is_refused(tmp_path: Path, layout: object, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"{tmp_path / 'mine.npz'}: {message}")):
        loaded(tmp_path / "mine.npz", floats(2, 3, 8, 8), layout=layout)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (floats(3, 8, 8) * 2 - 1, "must hold pixels in [0, 1], got -0.9"),
        (floats(3, 8, 8) - 0.5, "give the pixels themselves, and let the model standardise them"),
        (np.floor(floats(3, 8, 8) * 256), "to 255; divide test_x by 255, or save test_x.astype('uint8')"),
        (floats(3, 8, 8) * 16, "divide test_x by what stands for white, such as 255"),
        (np.where(floats(3, 8, 8) < 0.01, np.nan, 0.5), "must be finite, got NaN or infinity in "),
        (np.full((3, 8, 8), np.inf), "must be finite, got NaN or infinity in 3 of 3 images"),
        (floats(3, 8, 8).astype(np.longdouble), "or float32 or float64 pixels in [0, 1], got float128"),
        (floats(3, 8, 8) > 0.5, "must be uint8, or float32 or float64 pixels in [0, 1], got bool"),
        (floats(3, 8, 8) + 0j, "must be uint8, or float32 or float64 pixels in [0, 1], got complex128"),
        (
            (floats(3, 8, 8) > 0.5).astype(np.uint8),
            "must hold bytes of which 255 is white, got none above 1: next to black; if 1 is white, save "
            "test_x.astype('float32')",
        ),
    ],
)
def test_pixels_out_of_range_are_refused_by_name(tmp_path: Path, images: np.ndarray[Any, Any], message: str) -> None:
    path = tmp_path / "mine.npz"
    with pytest.raises(ValueError, match=re.escape(f"{path}: `test_x` ") + ".*" + re.escape(message)):
        loaded(path, images)


def test_an_image_a_rounding_above_white_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"pixels in \[0, 1\]"):
        loaded(tmp_path / "mine.npz", np.full((2, 8, 8), np.nextafter(1.0, 2.0)))
