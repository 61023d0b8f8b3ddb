"""All that is drawn for an epoch, drawn at its start."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from natrob_empirical.training.augmentation import draw_mirrored, draw_shifts
from natrob_empirical.training.specification import Augmentation
from natrob_empirical.training.streams import TrainingStreams


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class EpochPlan:
    """The order of the images, and how each is augmented: one copy to the device instead of one per step.

    Attributes:
        order: a permutation of the training images.
        shifts: vertical and horizontal, of the images in this order; None without shifts.
        mirrored: which of the images in this order are mirrored; None where none is.
    """

    order: Int64[Tensor, " images"]
    shifts: Int64[Tensor, "images 2"] | None
    mirrored: Bool[Tensor, " images"] | None

    @staticmethod
    def drawn(images: int, augmentation: Augmentation, *, shift: int, streams: TrainingStreams) -> "EpochPlan":
        """The plan of the next epoch, on the CPU."""
        draws = streams.augmentation
        return EpochPlan(
            order=torch.randperm(images, generator=streams.order),
            shifts=None if augmentation == "none" else draw_shifts(images, largest=shift, generator=draws),
            mirrored=draw_mirrored(images, generator=draws) if augmentation == "crop_flip" else None,
        )

    def on(self, device: torch.device) -> "EpochPlan":
        """The plan on the device; on a GPU the copy waits for nothing."""
        return EpochPlan(
            order=_on(device, self.order),
            shifts=None if self.shifts is None else _on(device, self.shifts),
            mirrored=None if self.mirrored is None else _on(device, self.mirrored),
        )

    def compact(self) -> dict[str, Tensor | None]:
        """As plain data of few bytes, for the run's state."""
        return {
            "order": self.order.to(torch.int32),
            "shifts": None if self.shifts is None else self.shifts.to(torch.int8),
            "mirrored": self.mirrored,
        }

    @staticmethod
    def from_compact(content: dict[str, Tensor | None]) -> "EpochPlan":
        """The plan that `compact` was called on. Raises KeyError, AttributeError where it is none."""
        order, shifts = content["order"], content["shifts"]
        if order is None:
            raise KeyError("order")
        return EpochPlan(
            order=order.long(), shifts=None if shifts is None else shifts.long(), mirrored=content["mirrored"]
        )


def _on(device: torch.device, tensor: Tensor) -> Tensor:
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
