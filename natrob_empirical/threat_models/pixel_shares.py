"""The share of an attack's radius that each pixel may use: a mask, or one radius per pixel."""

import hashlib
from typing import Final

import torch
from jaxtyping import Float64
from torch import Tensor

_IMAGE_DIMENSIONS: Final = 3


def require_mask(mask: object, *, partial: bool) -> Float64[Tensor, "*pixels"]:
    """Returns the mask in float64, where it is one; else raises TypeError or ValueError.

    Args:
        mask: a tensor of bools or numbers that broadcasts to an image, (channels, height, width).
        partial: whether shares between 0 and 1 will do.
    """
    if not isinstance(mask, Tensor):
        raise TypeError(f"`mask` must be a tensor that says which pixels may change, got {type(mask).__name__}")
    if mask.dtype != torch.bool and not mask.is_floating_point():
        raise TypeError(f"`mask` must hold bools or floating-point shares of the radius, got {mask.dtype}")
    _require_image_shape("mask", mask)
    shares = mask.detach().double().clone()
    if not bool(((shares >= 0) & (shares <= 1)).all()):
        raise ValueError(f"`mask` must lie in [0, 1], got {float(shares.min()):g} to {float(shares.max()):g}")
    if not partial and not bool(((shares == 0) | (shares == 1)).all()):
        raise ValueError("`mask` must be 0 or 1 in every pixel of an L2 ball, got values between")
    if not bool((shares > 0).any()):
        raise ValueError("`mask` must let a pixel change, got 0 everywhere")
    return shares


def radius_and_shares(epsilon: Tensor) -> tuple[float, Float64[Tensor, "*pixels"]]:
    """The largest of the radii, and the share of it that each pixel may use.

    A share times the largest radius, rounded to float64, never exceeds the radius given.

    Raises:
        TypeError, ValueError: radii that are no floating-point numbers of at least 0 in the shape of an image.
    """
    if not epsilon.is_floating_point():
        raise TypeError(f"`epsilon` must hold floating-point radii, got {epsilon.dtype}")
    _require_image_shape("epsilon", epsilon)
    radii = epsilon.detach().double().clone()
    if not bool((radii.isfinite() & (radii >= 0)).all()):
        raise ValueError(f"`epsilon` must be finite and at least 0 in every pixel, got {float(radii.min())} in one")
    largest = float(radii.max())
    if largest == 0:
        return 0.0, torch.ones_like(radii)
    shares = (radii / largest).clamp(0, 1)
    for _ in range(2):
        shares = torch.where(shares * largest > radii, torch.nextafter(shares, torch.zeros_like(shares)), shares)
    return largest, shares


def describe_mask(shares: Float64[Tensor, "*pixels"]) -> str:
    """A mask in a few signs: which differ where masks do."""
    plain = shares.cpu().contiguous()
    digest = hashlib.sha256(repr(tuple(plain.shape)).encode() + plain.numpy().tobytes()).hexdigest()[:8]
    return f"<{int((plain > 0).sum())} of {plain.numel()} pixels, {digest}>"


def _require_image_shape(name: str, values: Tensor) -> None:
    if values.dim() > _IMAGE_DIMENSIONS or not values.numel():
        raise ValueError(
            f"`{name}` must be non-empty and broadcast to one image, (channels, height, width), "
            f"got shape {tuple(values.shape)}"
        )
