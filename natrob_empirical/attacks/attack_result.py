"""The result of an attack."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, final

import torch
from torch import Tensor

from .tensor_types import Counts, Images, Truths


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class AttackResult:
    """The outcome of an attack, per sample.

    The share of samples without success is an UPPER bound of the model's robust accuracy: a sample that this
    attack failed on may well fall to a stronger one. A lower bound comes from a certificate, never from here.

    Attributes:
        adversarial: images inside the ball around the given ones, in their dtype; where a sample is
            misclassified without any perturbation, the given image itself, bit for bit.
        success: whether the model misclassifies `adversarial`.
        queries: forward passes spent on each sample, the first look at it and the final verdict included; those
            that tell whether the model depends on the batch (`look_at_company`) are not, nor are answers that Square
            looked up ahead and dropped unread.
        gradient_calls: gradients of the loss taken for each sample; each came with a forward pass in
            `queries`.
        one_at_a_time: whether the model's answers depend on the batch, so that every image was attacked alone.
    """

    adversarial: Images
    success: Truths
    queries: Counts
    gradient_calls: Counts
    one_at_a_time: bool = False

    @classmethod
    def joined(cls, parts: Sequence["AttackResult"]) -> "AttackResult":
        """The outcomes of several batches, one after the other."""
        return cls(**joined_fields(parts))


def joined_fields(parts: Sequence[Any]) -> dict[str, Any]:
    """Joins results of one class field by field: tensors row after row, and a truth of one batch is one of all."""
    columns = {entry.name: [getattr(part, entry.name) for part in parts] for entry in fields(parts[0])}
    return {
        name: torch.cat(values) if isinstance(values[0], Tensor) else any(values) for name, values in columns.items()
    }
