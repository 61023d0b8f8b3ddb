"""How many images the steps of an epoch take, and which models cannot take one image by itself."""

from collections.abc import Sequence

import torch
from torch import nn

from natrob_empirical.datasets import Dataset
from natrob_empirical.training.memory_search import BufferSnapshot

_ALONE = "more than 1 value per channel"
"""What torch's batch norm says of statistics over a single value."""


def batch_sizes(model: nn.Module, dataset: Dataset, batch_size: int, device: torch.device) -> tuple[int, ...]:
    """Of each step of an epoch: `batch_size` images, and the rest in a last, smaller batch.

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
    snapshot, modes = BufferSnapshot(model), [(part, part.training) for part in model.modules()]
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), torch.no_grad():
            return bool(model.train()(image).isfinite().all())
    except (ValueError, RuntimeError) as error:
        return _ALONE not in str(error)
    finally:
        for part, training in modes:
            part.training = training
        snapshot.restore()
