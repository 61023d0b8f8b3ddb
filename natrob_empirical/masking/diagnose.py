"""The checks of the literature for an accuracy under attack that comes from the attack's failure."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, get_args

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from natrob_empirical.attacks import AbstractAttack, Classifier
from natrob_empirical.attacks.attack_inputs import require_images_and_labels
from natrob_empirical.random_streams import require_cpu_generator
from natrob_empirical.runs.work_watch import current_watch
from natrob_empirical.threat_models import AbstractBall
from natrob_theory.numbers.argument_checks import require_choice

from . import flag as flags
from .agreement_checks import adjoint_check, difference_quotient_check, local_gradient_check
from .gradient_checks import (
    differentiability_check,
    exploding_gradient_check,
    flat_loss_check,
    non_finite_gradient_check,
    zero_gradient_check,
)
from .level import LEVELS, LevelName
from .radius_checks import ceiling_check, flat_check, gray_check, rising_check
from .report import Evidence, MaskingReport, conclude, judged, not_run
from .settings_checks import image_check, query_check, reach_check
from .solver_surrogates import Surrogate
from .strength_checks import black_box_check, noise_check, one_step_check, transfer_check
from .subject import CheckNotRunError, Subject

CHECKS: Final[tuple[tuple[flags.Flag, Callable[[Subject], Sequence[Evidence]]], ...]] = (
    (flags.TOO_FEW_IMAGES, image_check),
    (flags.TOO_FEW_STEPS, reach_check),
    (flags.NOT_DIFFERENTIABLE, differentiability_check),
    (flags.ZERO_GRADIENTS, zero_gradient_check),
    (flags.EXPLODING_GRADIENTS, exploding_gradient_check),
    (flags.FLAT_LOSS, flat_loss_check),
    (flags.GRADIENTS_DISAGREE, difference_quotient_check),
    (flags.GRADIENTS_LOCAL, local_gradient_check),
    (flags.ADJOINT_DISAGREES, adjoint_check),
    (flags.ONE_STEP_STRONGER, one_step_check),
    (flags.BLACK_BOX_STRONGER, black_box_check),
    (flags.TOO_FEW_QUERIES, query_check),
    (flags.NOISE_AS_STRONG, noise_check),
    (flags.TRANSFER_STRONGER, transfer_check),
    (flags.RISING_IN_EPSILON, rising_check),
    (flags.FLAT_IN_EPSILON, flat_check),
    (flags.ABOVE_CEILING, ceiling_check),
    (flags.NOT_ONE_LABEL, gray_check),
    (flags.NON_FINITE_GRADIENTS, non_finite_gradient_check),  # last: it reports what the attacks met
)
"""Every check and the flag that it may raise, in the order of the report."""


def diagnose(
    model: Classifier,
    x: Float[Tensor, "images channels height width"],
    y: Int64[Tensor, " images"],
    ball: AbstractBall,
    *,
    generator: torch.Generator,
    level: LevelName = "quick",
    attack: AbstractAttack | None = None,
    surrogates: Sequence[Surrogate] = (),
) -> MaskingReport:
    """Look for signs that this model's accuracy under a gradient attack comes from the attack's failure.

    Every check of `CHECKS` runs on the images that the model classifies correctly, all in one batch. It gives its
    evidence, or the reason why it was not run. A model whose answers depend on the batch is shown one image at a time,
    and the report says so; of one that answers an image at random that is reported, and nothing else.
    Accuracies are upper bounds of the robust accuracy, as shares of all images given; two attacks are compared image by
    image with an exact sign test. No verdict says "robust".

    Source: Athalye, Carlini and Wagner, "Obfuscated gradients give a false sense of security", ICML 2018, section 3.1;
    Carlini et al., "On evaluating adversarial robustness", arXiv 1902.06705, section 4; the ceiling: theory, section 2.

    Args:
        model: images to logits. Attacks that need more than its answers need it differentiable.
        x: float32 or float64 images in [0, 1]; a hundred or more of all classes.
        y: their true labels.
        ball: the threat model, L∞ or L2.
        generator: a CPU generator; advances by one draw.
        level: "quick" takes seconds on a small model, "full" about fifty times as long.
        attack: the gradient attack whose numbers are in question, in this ball; None means PGD with the level's budget.
        surrogates: other models of the same classes to transfer from; a Neural ODE brings its own.

    Raises:
        TypeError, ValueError: an argument or the model's output that is not as required; NaN logits among them.
    """
    require_images_and_labels(x, y)
    require_cpu_generator("generator", generator)
    if not isinstance(ball, AbstractBall):
        raise TypeError(f"`ball` must be a ball such as LinfBall(8/255), got {type(ball).__name__}")
    require_choice("level", level, get_args(LevelName))
    if attack is not None and not isinstance(attack, AbstractAttack):
        raise TypeError(f"`attack` must be an attack such as PGD(ball), got {type(attack).__name__}")
    if attack is not None and attack.ball != ball:
        raise ValueError(f"`attack` must have the ball {ball!r}, got {attack.ball!r}")
    subject = Subject(model, x, y, ball, level=LEVELS[level], attack=attack, surrogates=surrogates, generator=generator)
    if subject.company.random:
        return _random(subject)
    if not len(subject):
        return _nothing(subject, "no image is classified correctly, so an attack has nothing to do")
    if ball.epsilon == 0:
        return _nothing(subject, "the ball of radius 0 holds the image alone, so an attack has nothing to do")
    found: list[Evidence] = []
    watch = current_watch()
    for number, (flag, check) in enumerate(CHECKS, start=1):
        if watch is not None:
            watch.begin_stage(f"check {number} of {len(CHECKS)}, {flag.name}")
        try:
            found.extend(check(subject))
        except CheckNotRunError as reason:
            found.append(not_run(flag, str(reason), n=len(subject)))
    return replace(conclude(found), note=_note(subject))


def _note(subject: Subject) -> str:
    look = subject.company
    if not look.depends:
        return ""
    return (
        f"The model's answers depend on the batch: logits move by up to {look.difference:.2g} of the largest with the "
        f"company, rounding explains {look.rounding:.2g}. Every image was judged and attacked alone."
    )


def _random(subject: Subject) -> MaskingReport:
    """The report on a model that answers one image in more than one way: no attack on it means anything."""
    reason = "one image alone gets more than one answer, so no attack means anything"
    difference, n = subject.company.repeat_difference, len(subject)
    sentence = f"the logits of one image alone differ by {difference:.2g} of the largest from call to call"
    found = judged(flags.NOT_ONE_LABEL, True, sentence, n=n, repeat_difference=difference)
    return conclude([found if flag == found.flag else not_run(flag, reason, n=n) for flag, _ in CHECKS])


def _nothing(subject: Subject, reason: str) -> MaskingReport:
    return MaskingReport(
        flags=(),
        evidence=tuple(not_run(flag, reason, n=len(subject)) for flag, _ in CHECKS),
        verdict=f"nothing to diagnose: {reason}",
    )
