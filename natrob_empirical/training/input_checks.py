"""What is found wrong before the first step."""

import torch
from torch import nn

from natrob_empirical.datasets import Dataset
from natrob_empirical.training.memory_search import is_out_of_memory


def device_of(model: nn.Module) -> torch.device:
    """Where all parameters are. Raises ValueError for a model without any, or on several devices."""
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
    was_training = model.training
    try:
        with torch.no_grad():
            logits = model.eval()(image)
    except (RuntimeError, ValueError) as error:
        if is_out_of_memory(error):
            raise
        raise ValueError(
            f"the model fails on an image of {dataset.title} (channels, height, width) = {dataset.image_shape}: {error}"
        ) from error
    finally:
        model.train(was_training)
    if not isinstance(logits, torch.Tensor) or logits.dim() != 2 or len(logits) != 1:
        shape = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
        raise ValueError(f"`model` must return logits of shape (batch, classes), got {shape} for one image")
    largest = int(dataset.train_y.max())
    if largest >= logits.shape[1]:
        raise ValueError(f"labels must be below the number of logits, {logits.shape[1]}, got {largest}")
