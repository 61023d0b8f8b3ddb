import torch

from natrob_empirical.datasets import Dataset, load_dataset


def test_the_split_is_fixed(digits: Dataset) -> None:
    assert digits.train_x.shape == (1437, 1, 8, 8)
    assert digits.test_x.shape == (360, 1, 8, 8)
    assert digits.pixel_scale == 16
    assert digits.num_classes == 10
    # scikit-learn's samples 0, 5, 10, 15 and 20 are a 0, 5, 0, 5 and 0
    assert digits.test_y[:5].tolist() == [0, 5, 0, 5, 0]
    assert digits.train_y[:8].tolist() == [1, 2, 3, 4, 6, 7, 8, 9]
    assert torch.equal(load_dataset("digits").train_x, digits.train_x)


def test_the_pixels_span_the_whole_range(digits: Dataset) -> None:
    images = digits.to_images(digits.test_x)
    assert (float(images.min()), float(images.max())) == (0.0, 1.0)
    assert set(digits.train_y.tolist()) == set(range(10))
