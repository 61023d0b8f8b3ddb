"""Counts how often a model answers each class under Gaussian noise."""

from typing import Final

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from natrob_empirical.attacks.counted_model import CountedModel
from natrob_empirical.random_streams import SampleStreams

BLOCK: Final = 64
"""Noise is drawn for so many copies of an image at a time. It is fixed, so that the batch size changes no number."""


def noisy_votes(
    model: CountedModel,
    images: Float[Tensor, "images channels height width"],
    streams: SampleStreams,
    samples: int,
    *,
    sigma: float,
    batch_size: int,
) -> Int64[Tensor, "images classes"]:
    """Counts the answers of the model to `samples` copies of each image, each with its own noise N(0, σ²I).

    Noisy pixels may leave [0, 1]; they are not clipped, since the theorem is about Gaussian noise. Normal numbers are
    drawn, not the nearly normal ones that are faster. Fewer samples are the first of more.

    Args:
        model: a meter of as many samples as there are images.
        images: in [0, 1].
        streams: one stream an image; advances.
        samples: copies of each image, at least 1.
        sigma: the standard deviation of the noise in every pixel.
        batch_size: no more noisy images are shown to the model at once, nor held beyond `BLOCK` an image.

    Raises:
        TypeError, ValueError: the model's answers are no finite logits of two classes or more.
    """
    votes: Tensor | None = None
    at_once = max(1, batch_size // len(images))
    for start in range(0, samples, BLOCK):
        size = min(BLOCK, samples - start)
        noisy = streams.normal(size, *images.shape[1:], dtype=images.dtype).mul_(sigma).add_(images[:, None])
        for part in noisy.split(at_once, dim=1):
            logits = model.logits_of_several(part)
            counted = torch.nn.functional.one_hot(logits.argmax(dim=2), logits.shape[2]).sum(dim=1)
            votes = counted if votes is None else votes + counted
    assert votes is not None
    return votes
