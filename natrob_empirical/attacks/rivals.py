"""The classes that an image is nearest to being taken for."""

import torch
from jaxtyping import Int64
from torch import Tensor

from .tensor_types import Classes, Logits


def strongest_rivals(logits: Logits, y: Classes, count: int) -> Int64[Tensor, "batch rivals"]:
    """The classes of the `count` largest logits but for the label's, the largest first; all, if they are fewer."""
    others = logits.scatter(1, y[:, None], -torch.inf)
    return others.topk(min(count, logits.shape[1] - 1), dim=1).indices


def rival_count(count: int, num_classes: int | None) -> int:
    """How many classes `strongest_rivals` gives; at most, where the number of classes is None."""
    return count if num_classes is None else min(count, num_classes - 1)
