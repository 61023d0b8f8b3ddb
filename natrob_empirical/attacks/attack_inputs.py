"""Checks of the images, labels and target classes that an attack is given."""

import torch
from torch import Tensor


def require_images_and_labels(x: object, y: object) -> None:
    """Raise unless `x` are images an attack can perturb and `y` their labels.

    Args:
        x: must be float32 or float64 of shape (batch, channels, height, width), non-empty, finite, in [0, 1].
        y: must be int64 of shape (batch,), on the device of `x`, and at least 0.

    Raises:
        TypeError: not a tensor, or of another dtype.
        ValueError: another shape, another device, or a value out of range.
    """
    images = require_images("x", x)
    if not isinstance(y, Tensor):
        raise TypeError(f"`y` must be a torch.Tensor of labels, got {type(y).__name__}")
    if y.dtype != torch.int64:
        raise TypeError(f"`y` must be int64, got {y.dtype}")
    if y.shape != images.shape[:1]:
        raise ValueError(f"`y` must have shape ({len(images)},), one label per image, got {tuple(y.shape)}")
    if y.device != images.device:
        raise ValueError(f"`y` must be on the device of `x`, {images.device}, got {y.device}")
    if int(y.min()) < 0:
        raise ValueError(f"`y` must hold class numbers from 0 up, got {int(y.min())}")


def require_images(name: str, x: object) -> Tensor:
    """The images, detached, where they are some that an attack can perturb; else TypeError or ValueError."""
    if not isinstance(x, Tensor):
        raise TypeError(f"`{name}` must be a torch.Tensor of images, got {type(x).__name__}")
    if x.dtype not in (torch.float32, torch.float64):
        advice = "" if x.is_floating_point() or x.is_complex() else "; divide stored images by 255"
        raise TypeError(f"`{name}` must be float32 or float64 images in [0, 1], got {x.dtype}{advice}")
    if x.dim() != 4 or x.numel() == 0:
        raise ValueError(f"`{name}` must be non-empty, of shape (batch, channels, height, width), got {tuple(x.shape)}")
    x = x.detach()
    affected = int((~x.isfinite()).flatten(1).any(dim=1).sum())
    if affected:
        raise ValueError(f"`{name}` must be finite, got NaN or infinity in {affected} of {len(x)} images")
    smallest, largest = float(x.min()), float(x.max())
    if smallest < 0 or largest > 1:
        advice = "; divide images with pixels up to 255 by 255" if smallest >= 0 else ""
        raise ValueError(f"`{name}` must lie in the pixel range [0, 1], got {smallest} to {largest}{advice}")
    return x


def require_targets(targeted: object, y: Tensor) -> Tensor | None:
    """The target class of each image, one for all or one per image; None as it is.

    Raises:
        TypeError: neither an integer nor an int64 tensor.
        ValueError: another shape or device than the labels `y`, a negative class, or an image's own label.
    """
    if targeted is None:
        return None
    if isinstance(targeted, int) and not isinstance(targeted, bool):
        targets = torch.full_like(y, targeted)
    elif isinstance(targeted, Tensor) and targeted.dtype == torch.int64:
        targets = targeted.detach().clone()
    else:
        kind = targeted.dtype if isinstance(targeted, Tensor) else type(targeted).__name__
        raise TypeError(f"`targeted` must be a class number or an int64 tensor of one per image, got {kind}")
    if targets.shape != y.shape:
        raise ValueError(f"`targeted` must have shape ({len(y)},), one class per image, got {tuple(targets.shape)}")
    if targets.device != y.device:
        raise ValueError(f"`targeted` must be on the device of `y`, {y.device}, got {targets.device}")
    if int(targets.min()) < 0:
        raise ValueError(f"`targeted` must hold class numbers from 0 up, got {int(targets.min())}")
    own = int((targets == y).sum())
    if own:
        raise ValueError(
            f"`targeted` must differ from the label of every image, got the label itself for {own} of {len(y)}"
        )
    return targets


def require_labels_in_range(y: Tensor, num_classes: int, *, name: str = "y") -> None:
    """Raise ValueError if a label is not the number of one of the model's logits."""
    largest = int(y.max())
    if largest >= num_classes:
        raise ValueError(
            f"`{name}` must hold labels from 0 to {num_classes - 1}, as the model has {num_classes} logits, "
            f"got {largest}"
        )
