"""The margin of an answer: how far the label leads."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor


def margin(logits: Float[Tensor, "batch classes"], y: Int64[Tensor, " batch"]) -> Float[Tensor, " batch"]:
    """`s_y − max_{j≠y} s_j`: negative where the label loses, at most 0 wherever a sample is misclassified.

    What black-box attacks lower. Unlike the cross-entropy it does not saturate where the model is sure.
    """
    own = y[:, None]
    return logits.gather(1, own).squeeze(1) - logits.scatter(1, own, -torch.inf).amax(dim=1)
