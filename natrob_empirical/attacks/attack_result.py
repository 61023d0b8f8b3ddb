"""What an attack returns."""

from dataclasses import dataclass
from typing import final

from jaxtyping import Bool, Float, Int64
from torch import Tensor


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
        queries: forward passes spent on each sample, the first look at it and the final verdict included.
        gradient_calls: gradients of the loss taken for each sample; each came with a forward pass in
            `queries`.
    """

    adversarial: Float[Tensor, "batch channels height width"]
    success: Bool[Tensor, " batch"]
    queries: Int64[Tensor, " batch"]
    gradient_calls: Int64[Tensor, " batch"]
