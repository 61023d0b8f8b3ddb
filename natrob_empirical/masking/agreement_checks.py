"""Whether the gradient is that of the function: against difference quotients, and the adjoint against the steps."""

import math

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from natrob_empirical.attacks.margin import margin
from natrob_empirical.models import IntegratorClassifier, neural_ode_of
from natrob_empirical.threat_models import LinfBall
from natrob_theory import IntegrationError
from natrob_theory.networks.solve_arguments import describe_tolerance

from .flag import ADJOINT_DISAGREES, GRADIENTS_DISAGREE, GRADIENTS_LOCAL, Flag
from .gradient_probe import cosine, probe_gradient, probe_value
from .report import Evidence, judged
from .solver_surrogates import NO_SOLVER_SEEN, gradient_surrogate
from .subject import CheckNotRunError, Subject
from .thresholds import (
    DISAGREEING_SHARE,
    LARGEST_PROBED_STEP,
    LOCAL_COSINE,
    LOCAL_SHARE,
    QUOTIENT_STEP,
    SAME_GRADIENT_COSINE,
)


def difference_quotient_check(subject: Subject) -> list[Evidence]:
    """The slopes of the margin along random signs, by the gradient and by central difference quotients.

    Of each image the cosine of the two lists of slopes estimates that of the two gradients. The margin is used, not the
    loss, whose differences vanish in rounding where the model is sure. Images whose margin moves by no more than its
    own rounding have no slope to compare.
    """
    subject.loss_gradient()
    center = subject.x.clamp(QUOTIENT_STEP, 1 - QUOTIENT_STEP)  # the quotient's two images stay in the pixel range
    probe = probe_gradient(subject.model, center, subject.y, margin)
    if probe.gradient is None:
        raise CheckNotRunError("the margin of the logits has no gradient")
    if not bool(probe.gradient.isfinite().all()):
        raise CheckNotRunError("the gradient of the margin is NaN or infinite for some images")
    slope, quotient = _slopes(subject, center, probe.gradient, QUOTIENT_STEP, "difference quotients")
    rounding = 4 * torch.finfo(center.dtype).eps * probe.value.abs().double() / QUOTIENT_STEP
    measurable = torch.maximum(slope.abs(), quotient.abs()).amax(dim=1) > 10 * rounding
    if not bool(measurable.any()):
        raise CheckNotRunError("no margin changes by more than its rounding within the step of the quotient")
    settings = f"{subject.level.directions} random sign directions, step {QUOTIENT_STEP:g}, {center.dtype}"
    return [_agreement(GRADIENTS_DISAGREE, cosine(slope, quotient)[measurable], "gradient and quotient", settings)]


def local_gradient_check(subject: Subject) -> list[Evidence]:
    """The slopes of the margin along random signs, by the gradient and by differences over the size of the ball.

    A step may be so steep that the gradient tells of a part of a grey level only. Where most slopes have nothing to do
    with what the attack meets on its way, it gets lost. Its accuracy is its own failure then.
    """
    subject.loss_gradient()
    pixels = 1.0 if isinstance(subject.ball, LinfBall) else float(subject.x[0].numel())
    step = min(subject.ball.epsilon / math.sqrt(pixels), LARGEST_PROBED_STEP)
    if step < QUOTIENT_STEP:
        raise CheckNotRunError(f"the ball moves a pixel by {step:.2g}, less than the step of {GRADIENTS_DISAGREE.name}")
    center = subject.x.clamp(step, 1 - step)
    gradient = probe_gradient(subject.model, center, subject.y, margin).gradient
    if gradient is None or not bool(gradient.isfinite().all()):
        raise CheckNotRunError("the margin of the logits has no finite gradient")
    slope, quotient = _slopes(subject, center, gradient, step, "differences across the ball")
    cosines = cosine(slope, quotient)
    compared = cosines[~cosines.isnan()]
    if not len(compared):
        raise CheckNotRunError("the margin changes neither by its gradient nor across the ball")
    share, median = float((compared < LOCAL_COSINE).double().mean()), float(compared.median())
    return [
        judged(
            GRADIENTS_LOCAL,
            share > LOCAL_SHARE,
            f"over steps of ±{step:.3g} per pixel the cosine of gradient and differences has median {median:.4f} "
            f"over {len(compared)} images; it is below {LOCAL_COSINE:g} for {share:.0%}",
            n=len(compared),
            median=median,
            share_below=share,
            step=step,
            settings=f"{subject.level.directions} random sign directions, {center.dtype}",
        )
    ]


def _slopes(
    subject: Subject, center: Tensor, gradient: Tensor, step: float, name: str
) -> tuple[Float64[Tensor, "images directions"], Float64[Tensor, "images directions"]]:
    """Along random signs, where a mask lets pixels change: by the gradient, and by central differences."""
    streams = subject.streams(name)
    slopes, quotients = [], []
    for _ in range(subject.level.directions):
        signs = 2 * streams.uniform(*center.shape[1:], dtype=center.dtype).round() - 1
        signs = subject.ball.restrict(signs, torch.zeros_like(signs))
        ahead, behind = (
            probe_value(subject.model, center + side * step * signs, subject.y, margin) for side in (1, -1)
        )
        slopes.append((gradient * signs).flatten(1).double().sum(dim=1))
        quotients.append((ahead.double() - behind.double()) / (2 * step))
    return torch.stack(slopes, dim=1), torch.stack(quotients, dim=1)


def adjoint_check(subject: Subject) -> list[Evidence]:
    """A Neural ODE's gradient by the adjoint and through the solver's steps."""
    model = subject.given
    trunk = neural_ode_of(model)
    if trunk is None or not isinstance(model, IntegratorClassifier):
        raise CheckNotRunError(NO_SOLVER_SEEN)
    other = gradient_surrogate(model)
    try:
        first, second = (probe_gradient(one, subject.x, subject.y, margin) for one in (subject.model, other.model))
    except IntegrationError as error:
        raise CheckNotRunError(f"a solve did not end: {error}") from error
    if first.gradient is None or second.gradient is None:
        raise CheckNotRunError("the model is not differentiable with respect to the image")
    rtol, atol = describe_tolerance(trunk.rtol), describe_tolerance(trunk.atol)
    settings = f"rtol = {rtol}, atol = {atol}; the model's own gradients are {trunk.gradients}"
    return [
        _agreement(ADJOINT_DISAGREES, cosine(first.gradient, second.gradient), "adjoint and direct gradient", settings)
    ]


def _agreement(flag: Flag, cosines: Float[Tensor, " images"], pair: str, settings: str) -> Evidence:
    compared = cosines[~cosines.isnan()]
    if not len(compared):
        raise CheckNotRunError("both gradients are zero for every image")
    share = float((compared < SAME_GRADIENT_COSINE).double().mean())
    median, smallest = float(compared.median()), float(compared.min())
    n = len(compared)
    sentence = (
        f"the cosine of {pair} has median {median:.4f} and minimum {smallest:.4f} over {n} images; "
        f"it is below {SAME_GRADIENT_COSINE:g} for {share:.0%}"
    )
    numbers = {"median": median, "minimum": smallest, "share_below": share}
    return judged(flag, share > DISAGREEING_SHARE, sentence, n=n, settings=settings, **numbers)
