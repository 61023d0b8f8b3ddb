"""What the adversarial methods share: draws, the box of allowed images, sign steps, a model that stays as it was."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_empirical.threat_models import Box


def uniform_noise(
    images: Float[Tensor, "batch *pixels"], epsilon: float, *, generator: torch.Generator
) -> Float[Tensor, "batch *pixels"]:
    """Independent uniform numbers in [−ε, ε), drawn on the CPU and moved to the images' device."""
    draw = torch.rand(images.shape, generator=generator, dtype=images.dtype)
    return _beside(draw.mul_(2 * epsilon).sub_(epsilon), images)


def normal_noise(
    images: Float[Tensor, "batch *pixels"], scale: float, *, generator: torch.Generator
) -> Float[Tensor, "batch *pixels"]:
    """Independent normal numbers of this standard deviation, drawn on the CPU and moved to the images' device."""
    draw = torch.randn(images.shape, generator=generator, dtype=images.dtype)
    return _beside(draw.mul_(scale), images)


def _beside(draw: Tensor, images: Tensor) -> Tensor:
    """On the images' device; by way of pinned memory, so that a GPU's queue is not waited for."""
    if not images.is_cuda:
        return draw.to(images.device)
    return draw.pin_memory().to(images.device, non_blocking=True)


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


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """The parameters ask for no gradient, and afterwards do again.

    Layers then keep no inputs for gradients that nobody takes, and a model with a backward pass of its own, such as an
    adjoint solver, does not compute them.
    """
    trainable = [parameter for parameter in module.parameters() if parameter.requires_grad]
    try:
        for parameter in trainable:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter in trainable:
            parameter.requires_grad_(True)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Eval mode: running statistics are used and kept; afterwards every part is in the mode it was in."""
    modes = [(part, part.training) for part in module.modules()]
    try:
        module.eval()
        yield
    finally:
        for part, training in modes:
            part.training = training
