"""scikit-learn's bundled handwritten digits: real data without a download."""

from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits

from .dataset import Dataset
from .registry import KnownDataset


def load(known: KnownDataset, root: Path, *, download: bool) -> Dataset:
    """Load 1797 gray images of 8×8 pixels with values 0 to 16; every fifth, from the first on, is a test image.

    Nothing is read from `root` and nothing downloaded: the package brings them.

    Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
        Repository, 1998.
    """
    pixels, classes = load_digits(return_X_y=True)
    images = torch.from_numpy(np.asarray(pixels).astype(np.uint8).reshape(-1, 1, 8, 8))
    labels = torch.from_numpy(np.asarray(classes).astype(np.int64))
    is_test = torch.arange(len(images)) % 5 == 0
    return Dataset(
        name=known.info.name,
        title=known.info.title,
        train_x=images[~is_test],
        train_y=labels[~is_test],
        test_x=images[is_test],
        test_y=labels[is_test],
        num_classes=known.info.num_classes,
        pixel_scale=16,
        source=known.info.origin,
    )
