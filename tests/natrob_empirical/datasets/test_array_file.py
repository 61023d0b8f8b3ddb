import io
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from natrob_empirical.datasets import load_dataset

GREY = np.arange(6 * 4 * 5, dtype=np.uint8).reshape(6, 4, 5)
COLOUR = np.arange(6 * 4 * 5 * 3, dtype=np.uint16).astype(np.uint8).reshape(6, 4, 5, 3)
LABELS = np.array([0, 1, 2, 0, 1, 2])


def write(path: Path, **changes: Any) -> Path:
    arrays: dict[str, Any] = {"train_x": GREY, "train_y": LABELS, "test_x": GREY[:3], "test_y": LABELS[:3]}
    arrays |= changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def test_grey_images_get_a_channel(tmp_path: Path) -> None:
    dataset = load_dataset(write(tmp_path / "mine.npz"))
    assert (dataset.name, dataset.num_classes, dataset.pixel_scale) == ("mine", 3, 255)
    assert dataset.train_x.shape == (6, 1, 4, 5)
    assert torch.equal(dataset.train_x[:, 0], torch.from_numpy(GREY))
    assert dataset.source == "the arrays in mine.npz"


def test_colour_images_become_channels_first(tmp_path: Path) -> None:
    dataset = load_dataset(str(write(tmp_path / "mine.npz", train_x=COLOUR, test_x=COLOUR[:3])))
    assert dataset.train_x.shape == (6, 3, 4, 5)
    assert dataset.train_x[2, 1, 3, 4] == COLOUR[2, 3, 4, 1]
    assert dataset.train_x.is_contiguous()


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64])
def test_labels_may_be_any_integers(tmp_path: Path, dtype: type[np.integer[Any]]) -> None:
    path = write(tmp_path / "mine.npz", train_y=LABELS.astype(dtype), unrelated=np.zeros(3))
    assert load_dataset(path).train_y.tolist() == LABELS.tolist()


def test_a_compressed_file_is_read(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "M.NPZ.npz", train_x=GREY, train_y=LABELS, test_x=GREY, test_y=LABELS)
    (tmp_path / "M.NPZ.npz").rename(tmp_path / "M.NPZ")
    assert len(load_dataset(tmp_path / "M.NPZ").test_x) == 6


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_y": None, "test_x": None}, "missing: train_y, test_x; found: train_x, test_y"),
        ({"train_x": GREY / 255}, "`train_x` must be uint8, got float64; multiply pixels in [0, 1] by 255"),
        ({"test_x": GREY.astype(np.int64)}, "`test_x` must be uint8, got int64"),
        (
            {"train_x": GREY[0]},
            "`train_x` must have shape (N, height, width) or (N, height, width, channels), got (4, 5)",
        ),
        ({"test_x": COLOUR[..., None]}, "`test_x` must have shape (N, height, width) or"),
        (
            {"train_x": np.moveaxis(COLOUR, 3, 1)},
            "`train_x` must have its channels last, 1 to 4 of them, got shape (6, 3, 4, 5)",
        ),
        ({"train_x": GREY[:0], "train_y": LABELS[:0]}, "`train_x` must not be empty, got shape (0, 4, 5)"),
        ({"test_x": GREY[:, :0]}, "`test_x` must not be empty, got shape (6, 0, 5)"),
        ({"train_y": LABELS[:4]}, "`train_y` must hold one label per image of `train_x`, 6, got 4"),
        ({"test_y": LABELS}, "`test_y` must hold one label per image of `test_x`, 3, got 6"),
        ({"test_y": LABELS[:3, None]}, "`test_y` must have shape (N,), got (3, 1)"),
        ({"train_y": LABELS / 1}, "`train_y` must hold integers, got float64"),
        ({"train_y": LABELS > 1}, "`train_y` must hold integers, got bool"),
        ({"train_y": LABELS - 1}, "`train_y` must hold class numbers from 0 up, got -1 to 1"),
        ({"test_y": np.array([0, 1, 2**64 - 1], dtype=np.uint64)}, "`test_y` must hold class numbers from 0 up"),
        ({"test_y": np.array([0, 7, 9])}, "`test_y` must hold labels that `train_y` holds too, 0 to 2, got also 7, 9"),
        (
            {"train_y": LABELS + 1},
            "`train_y` must use at least 2 classes, numbered from 0 without a gap, got the labels 1, 2, 3",
        ),
        (
            {"train_y": LABELS * 0},
            "`train_y` must use at least 2 classes, numbered from 0 without a gap, got the labels 0",
        ),
        ({"test_x": GREY[:3, :2]}, "`train_x` and `test_x` must hold images of one shape"),
        (
            {"train_y": np.array([None] * 6)},
            "`train_y` must be a plain numeric array, reading it gave ValueError: Object arrays",
        ),
    ],
)
def test_wrong_arrays_are_refused_by_name(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = write(tmp_path / "mine.npz", **changes)
    with pytest.raises(ValueError, match=re.escape(f"{path}: ") + ".*" + re.escape(message)):
        load_dataset(path)


def test_many_labels_are_shortened(tmp_path: Path) -> None:
    labels = np.arange(1, 41)
    images = np.zeros((40, 2, 2), dtype=np.uint8)
    path = write(tmp_path / "mine.npz", train_x=images, train_y=labels, test_x=images, test_y=labels)
    with pytest.raises(ValueError, match=r"got the labels 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, …$"):
        load_dataset(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.npz: there is no such file; a \.npz file with train_x"):
        load_dataset(tmp_path / "none.npz")


@pytest.mark.usefixtures("unchecked")
def test_other_files_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "array.npy", GREY)
    (tmp_path / "array.npy").rename(tmp_path / "array.npz")
    (tmp_path / "text.npz").write_text("hello")
    (tmp_path / "empty.npz").touch()
    (tmp_path / "folder.npz").mkdir()
    for name in ("array", "text", "empty", "folder"):
        with pytest.raises(ValueError, match=rf"{name}\.npz: must be a \.npz file"):
            load_dataset(tmp_path / f"{name}.npz")


@pytest.mark.usefixtures("unchecked")
def test_damaged_archives_are_refused(tmp_path: Path) -> None:
    content = bytearray(write(tmp_path / "good.npz").read_bytes())
    cut = tmp_path / "cut.npz"
    cut.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"cut\.npz: must be a \.npz file"):
        load_dataset(cut)
    flipped = tmp_path / "flipped.npz"
    content[200] ^= 0xFF  # a pixel of train_x, guarded by the archive's checksum
    flipped.write_bytes(content)
    with pytest.raises(ValueError, match=r"flipped\.npz: `train_x` must be a plain numeric array.*BadZipFile"):
        load_dataset(flipped)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("member", [b"not an array at all", b"", b"\x93NUMPY\x01\x00\x10\x00{'descr': garbage}"])
def test_members_that_are_no_arrays_are_refused(tmp_path: Path, member: bytes) -> None:
    path = tmp_path / "mine.npz"
    buffer = io.BytesIO()
    np.save(buffer, GREY)
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("train_x", "train_y", "test_y"):
            archive.writestr(f"{name}.npy", buffer.getvalue())
        archive.writestr("test_x.npy", member)
    with pytest.raises(ValueError, match=r"mine\.npz: `test_x` must be"):
        load_dataset(path)
