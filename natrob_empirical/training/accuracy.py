"""The share of images that a model labels correctly."""

import torch
from torch import nn


@torch.no_grad()
def accuracy(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, *, batch_size: int = 512) -> float:
    """The share of images (float, in [0, 1]) that the model, in the mode it is in, labels correctly."""
    correct = 0
    for start in range(0, len(images), batch_size):
        predicted = model(images[start : start + batch_size]).argmax(dim=1)
        correct += int((predicted == labels[start : start + batch_size]).sum())
    return correct / len(images)
