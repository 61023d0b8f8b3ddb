"""Whether the gradients that an attack follows are there, finite, and of a usable size."""

from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from natrob_empirical.attacks.counted_model import evaluation_mode
from natrob_empirical.attacks.margin import margin

from .flag import EXPLODING_GRADIENTS, FLAT_LOSS, NON_FINITE_GRADIENTS, NOT_DIFFERENTIABLE, ZERO_GRADIENTS, Flag
from .gradient_probe import cross_entropy, is_zero, probe_gradient, probe_value
from .report import Evidence, judged
from .saturation import predicted_zero_gradients, saturation_thresholds
from .strength_checks import black_boxes
from .subject import CheckNotRunError, Subject
from .thresholds import AFFECTED_SHARE, EXPLODING_GRADIENT


def differentiability_check(subject: Subject) -> list[Evidence]:
    """Whether autograd can trace the logits back to the image; if not, what is left without gradients."""
    n = len(subject)
    if subject.probe().gradient is not None:
        return [judged(NOT_DIFFERENTIABLE, False, "the logits depend differentiably on the image", n=n)]
    square = black_boxes(subject)[0]
    left = subject.accuracy(subject.run(square))
    sentence = f"autograd cannot trace the logits back to the image; {square!r} leaves {left:.1%}"
    return [judged(NOT_DIFFERENTIABLE, True, sentence, n=n, accuracy_square=left)]


def zero_gradient_check(subject: Subject) -> list[Evidence]:
    """The images whose loss has a gradient of exactly zero at more than half of the points looked at."""
    gradients = _gradients(subject)
    affected = torch.stack([is_zero(gradient) for gradient in gradients]).double().mean(dim=0) > 0.5
    return [_share(subject, ZERO_GRADIENTS, affected, AFFECTED_SHARE, "a gradient of zero at most points")]


def exploding_gradient_check(subject: Subject) -> list[Evidence]:
    """The images whose loss has a gradient beyond `EXPLODING_GRADIENT` at one of the points."""
    sizes = torch.stack([_finite_norm(gradient) for gradient in _gradients(subject)]).amax(dim=0)
    what = (
        f"a gradient of L2 norm above {EXPLODING_GRADIENT:g} (the median of the largest is {float(sizes.median()):.3g})"
    )
    return [_share(subject, EXPLODING_GRADIENTS, sizes > EXPLODING_GRADIENT, AFFECTED_SHARE, what)]


def non_finite_gradient_check(subject: Subject) -> list[Evidence]:
    """The images whose loss has a gradient that is NaN or infinite at one of the points, or on the attack's way."""
    affected = torch.stack([~gradient.isfinite().flatten(1).all(dim=1) for gradient in _gradients(subject)]).any(dim=0)
    evidence = _share(subject, NON_FINITE_GRADIENTS, affected, 0.0, "a NaN or infinite gradient at some point")
    if not affected.any() and subject.non_finite:
        sentence = f"{evidence.sentence}; on an attack's way: {subject.non_finite[0]}"
        evidence = replace(evidence, status="raised", sentence=sentence)
    return [evidence]


def flat_loss_check(subject: Subject) -> list[Evidence]:
    """The images at which the loss has no slope in this precision, though the margin of the logits has one.

    An image counts where the gradient of the cross-entropy is exactly zero and that of the margin is not. How often
    the loss itself does not move by one bit along a step that lowers the margin is reported too; it misleads only
    attacks that compare losses. So is how many zeros the margins alone predict: where it agrees, the size of the
    logits is the whole cause.
    """
    flat = is_zero(subject.loss_gradient())
    loss, lead = subject.probe(), probe_gradient(subject.model, subject.x, subject.y, margin)
    if lead.gradient is None:
        raise CheckNotRunError("the margin of the logits has no gradient")
    flat &= ~is_zero(lead.gradient)
    ball = subject.ball
    step = subject.x - ball.epsilon / 4 * ball.steepest_ascent(lead.gradient.nan_to_num(0.0, 0.0, 0.0))
    moved = ball.project(step, subject.x)
    stuck = (probe_value(subject.model, moved, subject.y, cross_entropy) == loss.value) & (
        probe_value(subject.model, moved, subject.y, margin) < lead.value
    )
    predicted = _predicted_zeros(subject)
    what = (
        f"no gradient of the loss in {subject.x.dtype} where the margin has one "
        f"({predicted} are predicted from the size of the margins alone; "
        f"{float(stuck.double().mean()):.0%} of losses do not change by one bit along a step that lowers the margin)"
    )
    evidence = _share(subject, FLAT_LOSS, flat, AFFECTED_SHARE, what)
    return [replace(evidence, numbers={**evidence.numbers, "predicted_share": predicted / len(subject)})]


def _predicted_zeros(subject: Subject) -> int:
    """How many images have a margin at which the loss has no gradient, with the subnormal numbers of CPUs."""
    with evaluation_mode(subject.model), torch.no_grad():
        logits = subject.model(subject.x)
    return int(predicted_zero_gradients(logits, subject.y, saturation_thresholds(subject.x.dtype)).sum())


def _gradients(subject: Subject) -> list[Float[Tensor, "images channels height width"]]:
    """The loss's gradients at the images and at random points of their balls."""
    at_images = subject.loss_gradient()
    streams = subject.streams("gradient probes")
    points = [subject.ball.random_point(subject.x, streams) for _ in range(subject.level.probes)]
    probes = [probe_gradient(subject.model, point, subject.y, cross_entropy) for point in points]
    return [at_images, *(probe.gradient for probe in probes if probe.gradient is not None)]


def _finite_norm(gradient: Tensor) -> Float[Tensor, " images"]:
    return torch.linalg.vector_norm(gradient.double().nan_to_num(0.0, 0.0, 0.0).flatten(1), dim=1)


def _share(subject: Subject, flag: Flag, affected: Bool[Tensor, " images"], threshold: float, what: str) -> Evidence:
    count, n = int(affected.sum()), len(subject)
    sentence, numbers = f"{count} of {n} images have {what}", {"share": count / n, "threshold": threshold}
    settings = f"at each image and {subject.level.probes} random points of {subject.ball!r}"
    return judged(flag, count > threshold * n, sentence, n=n, affected=count, settings=settings, **numbers)
