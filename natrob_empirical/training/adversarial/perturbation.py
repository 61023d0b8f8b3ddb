"""Perturbed images for the adversarial methods: draws, the box of allowed images, sign steps."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_empirical.threat_models import Box
from natrob_empirical.training.epoch_data import moved


def uniform_noise(
    images: Float[Tensor, "batch *pixels"], epsilon: float, *, generator: torch.Generator
) -> Float[Tensor, "batch *pixels"]:
    """Independent uniform numbers in [−ε, ε), drawn on the CPU and moved to the images' device."""
    draw = torch.rand(images.shape, generator=generator, dtype=images.dtype)
    return moved(draw.mul_(2 * epsilon).sub_(epsilon), images.device)


def normal_noise(
    images: Float[Tensor, "batch *pixels"], scale: float, *, generator: torch.Generator
) -> Float[Tensor, "batch *pixels"]:
    """Independent normal numbers of this standard deviation, drawn on the CPU and moved to the images' device."""
    draw = torch.randn(images.shape, generator=generator, dtype=images.dtype)
    return moved(draw.mul_(scale), images.device)


def allowed_box(images: Float[Tensor, "batch *pixels"], epsilon: float) -> Box:
    """The images within ε in L∞ that lie in [0, 1], up to the rounding of image ± ε.

    `LinfBall.around` is exact to the last bit and checks its argument; a check reads from the device, which a training
    step must not.
    """
    return Box(lower=(images - epsilon).clamp_(min=0), upper=(images + epsilon).clamp_(max=1))


def sign_ascent(
    start: Float[Tensor, "batch *pixels"],
    box: Box,
    objective: Callable[[Tensor], Tensor],
    *,
    step_size: float,
    steps: int,
) -> Float[Tensor, "batch *pixels"]:
    """`steps` times `x ← project(x + step_size · sign(∇ objective(x)))`, the objective being one number.

    Gradients are taken with respect to x alone: no parameter's `grad` is touched.
    """
    point = start.detach()
    for _ in range(steps):
        variable = point.requires_grad_()
        (gradient,) = torch.autograd.grad(objective(variable), variable)
        point = box.project(torch.add(variable.detach(), gradient.sign_(), alpha=step_size))
    return point
