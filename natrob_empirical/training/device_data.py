"""The training images on the model's device, as they were stored."""

from typing import final

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from natrob_empirical.datasets import Dataset
from natrob_empirical.training.augmentation import mirrored, shifted
from natrob_empirical.training.epoch_plan import EpochPlan


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
        return images, self._labels.index_select(0, rows)
