"""The training loop."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from natrob_empirical.datasets import Dataset
from natrob_empirical.training.specification import TrainingSpecification
from natrob_theory.argument_checks import require_generator


class TrainingDivergedError(RuntimeError):
    """The loss became NaN or infinite; the message names the step and what to change."""


@dataclass(frozen=True, kw_only=True)
class TrainingProgress:
    """One finished step.

    Attributes:
        epoch, epochs: counted from 1, and how many there are.
        step, steps: over the whole training, counted from 1.
        loss: of this step's batch.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float


def train(
    model: nn.Module,
    dataset: Dataset,
    specification: TrainingSpecification,
    *,
    generator: torch.Generator,
    progress: Callable[[TrainingProgress], None] | None = None,
) -> None:
    """Train `model` in place on the data set's training images, and leave it in eval mode.

    Args:
        model: images in [0, 1] to logits.
        dataset: the training part is used.
        specification: how.
        generator: a CPU generator, of the order of the images.
        progress: called after every step.

    Raises:
        TrainingDivergedError: at the first loss that is not finite.
        ValueError: a label that the model has no logit for.
    """
    require_generator("generator", generator)
    device = next(model.parameters()).device
    images, labels = dataset.to_images(dataset.train_x).to(device), dataset.train_y.to(device)
    batches = -(-len(images) // specification.batch_size)
    steps = batches * specification.epochs
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=specification.learning_rate, weight_decay=specification.weight_decay
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=steps)
    model.train()
    step = 0
    for epoch in range(1, specification.epochs + 1):
        order = torch.randperm(len(images), generator=generator).to(device)
        for chosen in order.split(specification.batch_size):
            step += 1
            loss = _step(model, optimiser, images[chosen], labels[chosen], step=step)
            schedule.step()
            if progress is not None:
                progress(TrainingProgress(epoch=epoch, epochs=specification.epochs, step=step, steps=steps, loss=loss))
    model.eval()


def _step(
    model: nn.Module, optimiser: torch.optim.Optimizer, images: torch.Tensor, labels: torch.Tensor, *, step: int
) -> float:
    """One gradient step; returns the loss before it."""
    logits = model(images)
    if int(labels.max()) >= logits.shape[1]:
        raise ValueError(f"labels must be below the number of logits, {logits.shape[1]}, got {int(labels.max())}")
    loss = nn.functional.cross_entropy(logits, labels)
    value = float(loss.detach())
    if not math.isfinite(value):
        raise TrainingDivergedError(
            f"the loss became {value} at step {step}; lower the learning rate or the step size of the network"
        )
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
    return value


@torch.no_grad()
def accuracy(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, *, batch_size: int = 512) -> float:
    """The share of images (float, in [0, 1]) that the model, in the mode it is in, labels correctly."""
    correct = 0
    for start in range(0, len(images), batch_size):
        predicted = model(images[start : start + batch_size]).argmax(dim=1)
        correct += int((predicted == labels[start : start + batch_size]).sum())
    return correct / len(images)
