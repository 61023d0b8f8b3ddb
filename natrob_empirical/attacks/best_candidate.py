"""Keeping, per sample, the strongest of the images an attack has tried."""

from typing import final

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn


@final
class BestCandidate:
    """The best image so far of each sample: misclassified ones first, then the highest cross-entropy loss.

    Among equals the earlier stays, so showing it more images never makes the result weaker.

    Args:
        x: the images to start from; they are replaced by the first that is offered.
        y: the true labels.
    """

    def __init__(self, x: Float[Tensor, "batch channels height width"], y: Int64[Tensor, " batch"]) -> None:
        self._image = x.clone()
        self._labels = y
        self._loss = torch.full(y.shape, -torch.inf, dtype=torch.float64, device=x.device)
        self._misclassified = torch.zeros(y.shape, dtype=torch.bool, device=x.device)

    @property
    def image(self) -> Float[Tensor, "batch channels height width"]:
        """The best image of each sample."""
        return self._image

    def offer(
        self, image: Float[Tensor, "batch channels height width"], logits: Float[Tensor, "batch classes"]
    ) -> None:
        """Take each sample's `image`, which the model answers with `logits`, where it beats the best."""
        loss = nn.functional.cross_entropy(logits.double(), self._labels, reduction="none")
        misclassified = logits.argmax(dim=1) != self._labels
        as_wrong_and_higher = (misclassified == self._misclassified) & (loss > self._loss)
        better = (misclassified & ~self._misclassified) | as_wrong_and_higher
        self._image = torch.where(better[:, None, None, None], image, self._image)
        self._loss = torch.where(better, loss, self._loss)
        self._misclassified |= misclassified
