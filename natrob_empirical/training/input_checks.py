"""Checks of a model and its images before the first step, and how many images each step takes."""

from collections.abc import Sequence

import torch
from torch import nn

from natrob_empirical.datasets import Dataset
from natrob_empirical.training.memory_search import BufferSnapshot, is_out_of_memory
from natrob_empirical.training.model_modes import evaluating

_ALONE = "more than 1 value per channel"
"""The words of torch's batch norm about statistics over a single value."""


def device_of(model: nn.Module) -> torch.device:
    """Returns the device of all parameters. Raises ValueError for a model without any, or on several devices."""
    devices = {parameter.device for parameter in model.parameters()}
    if len(devices) != 1:
        raise ValueError(f"`model` must have parameters, all on one device, got {sorted(map(str, devices)) or 'none'}")
    return devices.pop()


def require_fitting(model: nn.Module, dataset: Dataset, device: torch.device) -> None:
    """Show the model one image, in eval mode and without gradients, and compare its logits with the labels.

    Raises:
        ValueError: there is no training image; the model fails on an image of this size, returns no logits, or has none
            for some label.
    """
    dataset.require_training_images()
    image = dataset.to_images(dataset.train_x[:1]).to(device)
    try:
        with torch.no_grad(), evaluating(model):
            logits = model(image)
    except (RuntimeError, ValueError) as error:
        if is_out_of_memory(error):
            raise
        raise ValueError(
            f"the model fails on an image of {dataset.title} (channels, height, width) = {dataset.image_shape}: {error}"
        ) from error
    if not isinstance(logits, torch.Tensor) or logits.dim() != 2 or len(logits) != 1:
        shape = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
        raise ValueError(f"`model` must return logits of shape (batch, classes), got {shape} for one image")
    largest = int(dataset.train_y.max())
    if largest >= logits.shape[1]:
        raise ValueError(f"labels must be below the number of logits, {logits.shape[1]}, got {largest}")


def batch_sizes(model: nn.Module, dataset: Dataset, batch_size: int, device: torch.device) -> tuple[int, ...]:
    """Counts each step's images in an epoch: `batch_size`, and the rest in a last, smaller batch.

    A rest of one image joins the batch before it where the model cannot train on one image: batch norm has no
    statistics of one value a channel, which is what it sees where a state is a single pixel or a vector. Every image
    counts, and all other models and numbers of images have the batches that they had.

    Args:
        model: in any mode; it is left as it was.
        dataset: whose training images are counted; the model is shown the first, where the answer depends on it.
        batch_size: at least 1.
        device: the model's.

    Raises:
        ValueError: `batch_size` 1, or a single training image, for such a model.
    """
    images = len(dataset.train_x)
    sizes = [min(batch_size, images - start) for start in range(0, images, batch_size)]
    if sizes[-1] > 1 or stands_alone(model, dataset, device):
        return tuple(sizes)
    reason = (
        "in training mode its batch normalisation needs more than one value a channel, and one image gives it a single "
        "one"
    )
    if batch_size == 1:
        raise ValueError(f"`batch_size` must be at least 2 to train this model, got 1: {reason}")
    if images == 1:
        raise ValueError(
            f"`batch_size` = {batch_size} cannot be filled: the data set must have at least 2 training images to train "
            f"this model, got 1: {reason}"
        )
    return (*sizes[:-2], sizes[-2] + 1)


def joined(sizes: Sequence[int], batch_size: int) -> bool:
    """Whether the last image of these sizes was joined to the batch before it."""
    return sizes[-1] > batch_size


def stands_alone(model: nn.Module, dataset: Dataset, device: torch.device) -> bool:
    """Whether the model in training mode has finite logits of one image by itself.

    Modes, buffers and the generators that layers draw from are left as they were. Other errors than batch norm's are
    not judged here: the step that meets them says what they are.
    """
    image = dataset.to_images(dataset.train_x[:1]).to(device)
    snapshot = BufferSnapshot(model)
    generators = torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])
    try:
        with generators, evaluating(model, training=True), torch.no_grad():
            return bool(model(image).isfinite().all())
    except (ValueError, RuntimeError) as error:
        return _ALONE not in str(error)
    finally:
        snapshot.restore()
