"""The radii of balls, one per sample."""

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.numbers.argument_checks import require_finite


def radii_per_sample(radius: float | Tensor, center: Tensor) -> Float[Tensor, " batch"]:
    """One radius per sample, float64. Raises ValueError if one is negative or not finite, or their number is wrong."""
    if not isinstance(radius, Tensor):
        radius = torch.tensor(require_finite("radius", radius), dtype=torch.float64)
    if radius.dim() > 1 or (radius.dim() == 1 and len(radius) != len(center)):
        raise ValueError(f"`radius` must be one number or of shape ({len(center)},), got {tuple(radius.shape)}")
    radii = radius.detach().to(center.device, torch.float64).expand(len(center))
    if not bool((torch.isfinite(radii) & (radii >= 0)).all()):
        raise ValueError(f"`radius` must be finite and at least 0, got {radii.tolist()}")
    return radii
