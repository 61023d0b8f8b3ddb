"""A data set in memory: images as they were stored, labels, and the scale that turns bytes into pixels."""

from dataclasses import dataclass, replace
from typing import Final, TypeAlias, final

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from natrob_empirical.datasets.registry import require_training_images
from natrob_theory.numbers.argument_checks import require_count

TrainImages: TypeAlias = UInt8[Tensor, "train channels height width"] | Float[Tensor, "train channels height width"]
TestImages: TypeAlias = UInt8[Tensor, "test channels height width"] | Float[Tensor, "test channels height width"]
StoredImages: TypeAlias = UInt8[Tensor, "batch channels height width"] | Float[Tensor, "batch channels height width"]

_STORED: Final = (torch.uint8, torch.float32, torch.float64)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """Training and test images with their labels.

    Images stay as they were stored; `to_images` makes the pixels in [0, 1] that models and attacks take.

    Attributes:
        name: the short name the data set is loaded by.
        title: the name to print.
        train_x, test_x: images of shape (N, channels, height, width): uint8, no entry above `pixel_scale`, or float32
            or float64 pixels in [0, 1]. There may be no training images.
        train_y, test_y: int64 labels of shape (N,), from 0 to `num_classes` − 1.
        num_classes: the number of classes, at least 2.
        pixel_scale: the stored value that stands for a pixel of 1, from 1 to 255; 1 for floats.
        source: where the data came from, for the record.

    Raises:
        TypeError, ValueError: an attribute that is not as described.
    """

    name: str
    title: str
    train_x: TrainImages
    train_y: Int64[Tensor, " train"]
    test_x: TestImages
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
            self._require_images(f"{part}_x", images, may_be_empty=part == "train")
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
        self, x: StoredImages, *, dtype: torch.dtype = torch.float32
    ) -> Float[Tensor, "batch channels height width"]:
        """The pixels in [0, 1] of stored images: bytes are divided by `pixel_scale` in float32, floats kept.

        Args:
            x: stored images, of the dtype of `test_x`.
            dtype: of the result.

        Raises:
            TypeError: images of another dtype than those stored here.
        """
        if not isinstance(x, Tensor) or x.dtype not in {self.train_x.dtype, self.test_x.dtype}:
            kind = x.dtype if isinstance(x, Tensor) else type(x).__name__
            raise TypeError(f"`x` must be a {_short(self.test_x.dtype)} tensor of stored images, got {kind}")
        return (x.to(torch.float32) / self.pixel_scale).to(dtype) if x.dtype == torch.uint8 else x.to(dtype)

    def require_training_images(self) -> None:
        """Raise ValueError if there are none, as with a user's file of test arrays alone."""
        require_training_images(self.name, len(self.train_x))

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

    def _require_images(self, name: str, images: Tensor, *, may_be_empty: bool) -> None:
        if images.dtype not in _STORED:
            raise TypeError(f"`{name}` must be uint8, float32 or float64, got {images.dtype}")
        if images.dim() != 4 or (images.numel() == 0 and not (may_be_empty and len(images) == 0)):
            raise ValueError(
                f"`{name}` must be non-empty, of shape (N, channels, height, width), got {tuple(images.shape)}"
            )
        if images.is_floating_point() and self.pixel_scale != 1:
            raise ValueError(f"`pixel_scale` must be 1 for float images, got {self.pixel_scale}")
        if images.numel() == 0:
            return
        smallest, largest = float(images.min()), float(images.max())
        if images.is_floating_point() and not (smallest >= 0 and largest <= 1):  # NaN neither
            raise ValueError(f"`{name}` must hold pixels in [0, 1], got {smallest:g} to {largest:g}")
        if largest > self.pixel_scale:
            raise ValueError(f"`{name}` must not exceed `pixel_scale` = {self.pixel_scale}, got {largest:g}")

    def _require_labels(self, name: str, labels: Tensor, count: int) -> None:
        if labels.dtype != torch.int64:
            raise TypeError(f"`{name}` must be int64, got {labels.dtype}")
        if labels.shape != (count,):
            raise ValueError(f"`{name}` must have shape ({count},), got {tuple(labels.shape)}")
        if count == 0:
            return
        smallest, largest = int(labels.min()), int(labels.max())
        if smallest < 0 or largest >= self.num_classes:
            raise ValueError(f"`{name}` must hold labels from 0 to {self.num_classes - 1}, got {smallest} to {largest}")


def _prefix(name: str, count: int | None, available: int) -> int:
    if count is None:
        return available
    if require_count(name, count) > available:
        raise ValueError(f"`{name}` must be at most {available}, the number of images there are, got {count}")
    return count


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
