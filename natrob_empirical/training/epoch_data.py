"""The images of an epoch: all that is drawn for it at its start, and batches made on the model's device."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from natrob_empirical.datasets import Dataset
from natrob_empirical.training.augmentation import (
    draw_mirrored,
    draw_shifts,
    draw_warps,
    mirrored,
    shifted,
    warped,
)
from natrob_empirical.training.specification import Augmentation
from natrob_empirical.training.streams import TrainingStreams


def moved(tensor: Tensor, device: torch.device) -> Tensor:
    """The CPU's tensor on the device; by way of pinned memory, so that a GPU's queue is not waited for."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class EpochPlan:
    """The order of the images, and how each is augmented: one copy to the device instead of one per step.

    Attributes:
        order: a permutation of the training images.
        shifts: vertical and horizontal, of the images in this order; None without shifts.
        mirrored: which of the images in this order are mirrored; None where none is.
        warps: linear maps of the images in this order; None without them.
    """

    order: Int64[Tensor, " images"]
    shifts: Int64[Tensor, "images 2"] | None
    mirrored: Bool[Tensor, " images"] | None
    warps: Float[Tensor, "images 2 2"] | None = None

    @staticmethod
    def drawn(
        images: int, augmentation: Augmentation, *, shift: int, warp: float, streams: TrainingStreams
    ) -> "EpochPlan":
        """The plan of the next epoch, on the CPU."""
        draws = streams.augmentation
        shifts = augmentation in ("crop", "crop_flip")
        return EpochPlan(
            order=torch.randperm(images, generator=streams.order),
            shifts=draw_shifts(images, largest=shift, generator=draws) if shifts else None,
            mirrored=draw_mirrored(images, generator=draws) if augmentation == "crop_flip" else None,
            warps=draw_warps(images, largest=warp, generator=draws) if augmentation == "affine" else None,
        )

    def on(self, device: torch.device) -> "EpochPlan":
        """The plan on the device; on a GPU the copy waits for nothing."""
        return EpochPlan(
            order=moved(self.order, device),
            shifts=None if self.shifts is None else moved(self.shifts, device),
            mirrored=None if self.mirrored is None else moved(self.mirrored, device),
            warps=None if self.warps is None else moved(self.warps, device),
        )

    def compact(self) -> dict[str, Tensor | None]:
        """Plain data of few bytes, for the run's state."""
        return {
            "order": self.order.to(torch.int32),
            "shifts": None if self.shifts is None else self.shifts.to(torch.int8),
            "mirrored": self.mirrored,
            **({} if self.warps is None else {"warps": self.warps}),
        }

    @staticmethod
    def from_compact(content: dict[str, Tensor | None]) -> "EpochPlan":
        """The plan that `compact` was called on. Raises KeyError, AttributeError where it is none."""
        order, shifts = content["order"], content["shifts"]
        if order is None:
            raise KeyError("order")
        return EpochPlan(
            order=order.long(),
            shifts=None if shifts is None else shifts.long(),
            mirrored=content["mirrored"],
            warps=content.get("warps"),
        )


@final
class DeviceData:
    """All training images as stored and their labels; pixels become float32 a batch at a time.

    Bytes take a quarter of the memory of floats, and nothing is transferred but the plan of each epoch.

    Args:
        dataset: the training part is used.
        device: where the model is.
        memory_format: of the batches.
    """

    def __init__(self, dataset: Dataset, device: torch.device, *, memory_format: torch.memory_format) -> None:
        self._pixels = dataset.train_x.to(device)
        self._labels = dataset.train_y.to(device)
        self._scale = dataset.pixel_scale
        self._format = memory_format

    def __len__(self) -> int:
        return len(self._pixels)

    def batch(
        self, plan: EpochPlan, start: int, stop: int
    ) -> tuple[Float[Tensor, "batch channels height width"], Int64[Tensor, " batch"]]:
        """The images of places `start` to `stop` of the plan, which is on this device, in [0, 1], and their labels."""
        rows = plan.order[start:stop]
        pixels = self._pixels.index_select(0, rows)
        if plan.shifts is not None:
            pixels = shifted(pixels, plan.shifts[start:stop])
        if plan.mirrored is not None:
            pixels = mirrored(pixels, plan.mirrored[start:stop])
        images = pixels.to(torch.float32, memory_format=self._format).div_(self._scale)
        if plan.warps is not None:
            images = warped(images, plan.warps[start:stop]).contiguous(memory_format=self._format)
        return images, self._labels.index_select(0, rows)
