"""A data set in memory: images as stored bytes, labels, and the scale that turns bytes into pixels."""

from dataclasses import dataclass, replace
from typing import final

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from natrob_theory.argument_checks import require_count


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """Training and test images with their labels.

    Images stay uint8, as they were stored; `to_images` makes the pixels in [0, 1] that models and attacks
    take.

    Attributes:
        name: the short name the data set is loaded by.
        title: the name to print.
        train_x, test_x: uint8 images of shape (N, channels, height, width), no entry above `pixel_scale`.
        train_y, test_y: int64 labels of shape (N,), from 0 to `num_classes` − 1.
        num_classes: the number of classes, at least 2.
        pixel_scale: the stored value that stands for a pixel of 1, from 1 to 255.
        source: where the data came from, for the record.

    Raises:
        TypeError, ValueError: an attribute that is not as described.
    """

    name: str
    title: str
    train_x: UInt8[Tensor, "train channels height width"]
    train_y: Int64[Tensor, " train"]
    test_x: UInt8[Tensor, "test channels height width"]
    test_y: Int64[Tensor, " test"]
    num_classes: int
    pixel_scale: int
    source: str

    def __post_init__(self) -> None:
        require_count("num_classes", self.num_classes, minimum=2)
        if require_count("pixel_scale", self.pixel_scale) > 255:
            raise ValueError(f"`pixel_scale` must be at most 255, got {self.pixel_scale}")
        for part, images, labels in (
            ("train", self.train_x, self.train_y),
            ("test", self.test_x, self.test_y),
        ):
            self._require_images(f"{part}_x", images)
            self._require_labels(f"{part}_y", labels, len(images))
        if self.train_x.shape[1:] != self.test_x.shape[1:]:
            raise ValueError(
                "`train_x` and `test_x` must hold images of one shape, "
                f"got {tuple(self.train_x.shape[1:])} and {tuple(self.test_x.shape[1:])}"
            )

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(channels, height, width)."""
        channels, height, width = self.train_x.shape[1:]
        return channels, height, width

    def to_images(
        self, x: UInt8[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels height width"]:
        """The float32 images `x / pixel_scale` in [0, 1] of stored images; raises TypeError unless uint8."""
        if not isinstance(x, Tensor) or x.dtype != torch.uint8:
            kind = x.dtype if isinstance(x, Tensor) else type(x).__name__
            raise TypeError(f"`x` must be a uint8 tensor of stored images, got {kind}")
        return x.to(torch.float32) / self.pixel_scale

    def subset(self, *, train: int | None = None, test: int | None = None) -> "Dataset":
        """The first `train` training and first `test` test images; None keeps all of them.

        Raises:
            TypeError, ValueError: a number that is not an integer from 1 to the number of images there are.
        """
        kept_train = _prefix("train", train, len(self.train_x))
        kept_test = _prefix("test", test, len(self.test_x))
        return replace(
            self,
            train_x=self.train_x[:kept_train],
            train_y=self.train_y[:kept_train],
            test_x=self.test_x[:kept_test],
            test_y=self.test_y[:kept_test],
        )

    def _require_images(self, name: str, images: Tensor) -> None:
        if images.dtype != torch.uint8:
            raise TypeError(f"`{name}` must be uint8, got {images.dtype}")
        if images.dim() != 4 or images.numel() == 0:
            raise ValueError(
                f"`{name}` must be non-empty, of shape (N, channels, height, width), got {tuple(images.shape)}"
            )
        largest = int(images.max())
        if largest > self.pixel_scale:
            raise ValueError(f"`{name}` must not exceed `pixel_scale` = {self.pixel_scale}, got {largest}")

    def _require_labels(self, name: str, labels: Tensor, count: int) -> None:
        if labels.dtype != torch.int64:
            raise TypeError(f"`{name}` must be int64, got {labels.dtype}")
        if labels.shape != (count,):
            raise ValueError(f"`{name}` must have shape ({count},), got {tuple(labels.shape)}")
        smallest, largest = int(labels.min()), int(labels.max())
        if smallest < 0 or largest >= self.num_classes:
            raise ValueError(f"`{name}` must hold labels from 0 to {self.num_classes - 1}, got {smallest} to {largest}")


def _prefix(name: str, count: int | None, available: int) -> int:
    if count is None:
        return available
    if require_count(name, count) > available:
        raise ValueError(f"`{name}` must be at most {available}, the number of images there are, got {count}")
    return count
