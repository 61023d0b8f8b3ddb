"""Data sets kept as JPEG files behind one another in one array file for each part."""

import io
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from .data_root import DatasetUnavailableError
from .dataset import Dataset
from .registry import KnownDataset

_FAILURES: Final = (OSError, ValueError, KeyError, EOFError, UnidentifiedImageError, zipfile.BadZipFile)


def load(known: KnownDataset, root: Path, *, download: bool) -> Dataset:
    """Decode both parts, which takes some 20 s for 60,000 images of 32×32 pixels.

    Each file holds `blob` (bytes), `offsets` (where each image's JPEG begins, and the end) and `labels`. A compressed
    image is another image: what is measured on it says nothing of the uncompressed data set.

    Args:
        known: its `files` are the training part and the test part.
        root: the data root.
        download: there is nowhere to download from, so it changes nothing.

    Raises:
        DatasetUnavailableError: a file is missing or holds something else; the message names folder and files.
    """
    try:
        parts = [_decoded(root / known.folder / file, known.info.image_shape) for file in known.files]
    except _FAILURES as error:
        raise DatasetUnavailableError(
            f"The data set {known.info.name!r} is not there or could not be read, and there is no download.\n"
            f"Folder: {root / known.folder}\n"
            f"Files expected: {', '.join(known.files)}\n"
            f"Error: {type(error).__name__}: {error}\n"
            "Put the files there, or name the folder above it with `data_root` or the environment variable NATROB_DATA."
        ) from error
    (train_x, train_y), (test_x, test_y) = parts
    return Dataset(
        name=known.info.name,
        title=known.info.title,
        train_x=train_x,
        train_y=train_y,
        test_x=test_x,
        test_y=test_y,
        num_classes=known.info.num_classes,
        pixel_scale=255,
        source=known.info.origin,
    )


def _decoded(path: Path, image_shape: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
    """Images (N, channels, height, width) and labels."""
    channels, height, width = image_shape
    with np.load(path, allow_pickle=False) as bundle:
        blob, offsets, labels = bundle["blob"], bundle["offsets"], bundle["labels"]
    if len(offsets) != len(labels) + 1:
        raise ValueError(f"{path.name} must hold one offset more than labels, got {len(offsets)} and {len(labels)}")
    images = np.empty((len(labels), height, width, channels), np.uint8)
    for place, (start, stop) in enumerate(pairwise(offsets)):
        with Image.open(io.BytesIO(blob[start:stop].tobytes())) as image:
            images[place] = np.asarray(image.convert("RGB"))
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(labels.astype(np.int64))
