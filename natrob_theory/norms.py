"""Norms of states, one number per sample, accumulated in float64."""

import torch
from jaxtyping import Float
from torch import Tensor


def per_sample_l2(state: Float[Tensor, "batch *state"]) -> Float[Tensor, " batch"]:
    """‖y_i‖₂ of each sample over all its entries, in float64 whatever the input's precision."""
    return torch.linalg.vector_norm(state.flatten(1).double(), dim=1)


def linf_radius_as_l2(epsilon: float, dimension: int) -> float:
    """The L2 radius `ε√d` of the smallest L2 ball that holds the L∞ ball of radius ε in d dimensions."""
    return epsilon * dimension**0.5
