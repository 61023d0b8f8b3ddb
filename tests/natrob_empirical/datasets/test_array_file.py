import io
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from natrob_empirical.datasets import array_file, load_dataset

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
        ({"train_x": GREY / 255}, "`train_x` and `test_x` must both be uint8 or both floats, got float64 and uint8"),
        (
            {"test_x": GREY.astype(np.int64)},
            "`test_x` must be uint8, or float32 or float64 pixels in [0, 1], got int64; save test_x.astype('uint8')",
        ),
        (
            {"train_x": GREY[0]},
            "`train_x` must have shape (N, height, width), (N, channels, height, width) or (N, height, width, channels)"
            ", got (4, 5)",
        ),
        ({"test_x": COLOUR[..., None]}, "`test_x` must have shape (N, height, width), (N, channels,"),
        (
            {"train_x": np.zeros((6, 5, 6, 7), dtype=np.uint8)},
            "`train_x` must have its channels first or last, 1 to 4 of them, got shape (6, 5, 6, 7)",
        ),
        ({"train_x": None}, "missing: train_x; found: train_y, test_x, test_y"),
        ({"train_y": None}, "missing: train_y; found: train_x, test_x, test_y"),
        ({"train_x": GREY[:0], "train_y": LABELS[:0]}, "`train_x` must not be empty, got shape (0, 4, 5)"),
        ({"test_x": GREY[:, :0]}, "`test_x` must not be empty, got shape (6, 0, 5)"),
        ({"train_y": LABELS[:4]}, "`train_y` must hold one label per image of `train_x`, 6, got 4"),
        ({"test_y": LABELS}, "`test_y` must hold one label per image of `test_x`, 3, got 6"),
        ({"test_y": LABELS[:3, None]}, "`test_y` must have shape (N,), got (3, 1); save test_y.ravel()"),
        (
            {"test_y": np.eye(3, dtype=np.int64)},
            "`test_y` must have shape (N,), a class number per image, got (3, 3); one-hot rows become numbers by "
            "test_y.argmax(axis=1)",
        ),
        ({"test_y": np.eye(3)}, "one-hot rows become numbers by test_y.argmax(axis=1)"),
        ({"train_y": LABELS / 1}, "`train_y` must hold integers, got float64; save train_y.astype('int64')"),
        ({"train_y": LABELS / 2}, "`train_y` must hold integers, got float64"),
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


@pytest.mark.parametrize(
    ("found", "advice"),
    [
        (("x_train", "y_train", "x_test", "y_test"), "; save x_test as test_x, y_test as test_y"),
        (("x", "y"), "missing: test_x, test_y; found: x, y; save x as test_x, y as test_y"),
        (("images", "labels"), "; save images as test_x, labels as test_y"),
        (("testImages", "test_labels"), "; save testImages as test_x, test_labels as test_y"),
        (("train_x", "train_y", "X_test", "y"), "; save X_test as test_x, y as test_y"),
        (("arr_0", "arr_1"), "found: arr_0, arr_1"),
    ],
)
def test_arrays_of_other_names_are_recognised(tmp_path: Path, found: tuple[str, ...], advice: str) -> None:
    path = tmp_path / "mine.npz"
    arrays: dict[str, Any] = {name: GREY if "x" in name.lower() else LABELS for name in found}
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=re.escape(advice) + "$"):
        load_dataset(path)


def test_test_arrays_alone_are_enough_for_all_but_training(tmp_path: Path) -> None:
    dataset = load_dataset(write(tmp_path / "mine.npz", train_x=None, train_y=None, test_y=np.array([0, 4, 2])))
    assert (dataset.num_classes, len(dataset.train_x), len(dataset.test_x)) == (5, 0, 3)
    assert dataset.image_shape == (1, 4, 5)
    assert len(dataset.subset(test=2).test_x) == 2
    with pytest.raises(ValueError, match="mine must hold train_x and train_y to train on; it has test images only"):
        dataset.require_training_images()


def test_test_labels_of_one_class_are_enough(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.npz", train_x=None, train_y=None, test_y=np.zeros(3, dtype=np.int8))
    assert load_dataset(path).num_classes == 2


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


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("shape", [(8, 6), (3, 8, 6), (8, 6, 3), (1, 8, 8)])
@pytest.mark.parametrize("training", [True, False])
def test_what_is_known_without_the_images_is_what_loading_finds(
    training: bool, shape: tuple[int, ...], dtype: type, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    arrays = {"test_x": rng.random((4, *shape)), "test_y": np.arange(4) % 3}
    if training:
        arrays |= {"train_x": rng.random((7, *shape)), "train_y": np.arange(7) % 3}
    scale = 255 if dtype is np.uint8 else 1
    stored = {name: (scale * a).astype(dtype) if name.endswith("x") else a for name, a in arrays.items()}
    path = tmp_path / "own.npz"
    np.savez_compressed(path, **stored)  # type: ignore[arg-type]
    known, whole = array_file.info(path), array_file.load(path)
    assert (known.name, known.title, known.origin, known.present) == (whole.name, whole.title, whole.source, True)
    assert (known.image_shape, known.num_classes) == (whole.image_shape, whole.num_classes)
    assert (known.train_size, known.test_size) == (len(whole.train_x), len(whole.test_x))


def test_what_headers_and_labels_show_is_refused_without_the_images(tmp_path: Path) -> None:
    path, images = tmp_path / "own.npz", np.zeros((4, 8, 8), np.uint8)
    labels = np.arange(4) % 2
    for changed, message in (
        ({"train_x": np.zeros((4, 8, 8), np.int64)}, "`train_x` must be uint8, or float32 or float64"),
        ({"test_x": np.zeros((4, 8, 9), np.uint8)}, "must hold images of one shape"),
        ({"train_y": np.arange(3)}, "one label per image"),
        ({"train_y": labels + 1}, "numbered from 0 without a gap"),
        ({"test_x": np.zeros((4, 8), np.uint8)}, "`test_x` must have shape"),
        ({"train_x": np.array([object()] * 4)}, "`train_x` must be a plain numeric array"),
    ):
        arrays = {"train_x": images, "train_y": labels, "test_x": images, "test_y": labels}
        np.savez(path, **(arrays | changed))  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=message):
            array_file.info(path)
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        array_file.info(tmp_path / "absent.npz")
