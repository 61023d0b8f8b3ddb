"""The accuracy that a model keeps under an attack, over a whole set of images."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import final

import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

from natrob_empirical.random_streams import SampleStreams, require_cpu_generator
from natrob_theory.numbers.argument_checks import require_count

from .abstract_attack import AbstractAttack
from .active_set import AT_ONCE
from .attack_inputs import require_images_and_labels, require_targets
from .attack_result import AttackResult
from .counted_model import Classifier, CountedModel, evaluation_mode


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class AttackEvaluation:
    """A model's accuracy with and without an attack.

    Attributes:
        accuracy: the share of samples that are classified correctly under attack: an UPPER bound of the
            robust accuracy, since another attack may succeed where this one failed.
        clean_accuracy: the share that is classified correctly without perturbation.
        num_samples: how many samples were attacked.
        success: per sample, whether it ends misclassified (those misclassified from the start included).
        wrong_from_the_start: per sample, whether it is so without a perturbation.
        distance: per sample, of the returned image from its original, in the ball's norm; of a search without a radius
            that of the nearest misclassified image, ∞ where there is none.
        largest_distance: the largest distance of a returned image from its original, in the ball's norm.
        mean_queries, mean_gradient_calls: forward passes and loss gradients per sample, on average.
        targeted: whether the samples were to be taken for target classes. `success` and the two accuracies then are
            about that: the accuracy is the share NOT taken for its target, an upper bound of the share that never is.
        one_at_a_time: whether the model's answers depend on the batch, so that images were attacked alone.
    """

    accuracy: float
    clean_accuracy: float
    num_samples: int
    success: Bool[Tensor, " samples"]
    wrong_from_the_start: Bool[Tensor, " samples"]
    distance: Float64[Tensor, " samples"]
    largest_distance: float
    mean_queries: float
    mean_gradient_calls: float
    one_at_a_time: bool = False
    targeted: bool = False


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class SampleOutcomes:
    """The outcome of an attack for every sample of a batch.

    Attributes:
        success: whether it ends misclassified.
        wrong_from_the_start: whether it was so without a perturbation.
        distance: of the returned image from the given one, in the ball's norm, float64.
        queries, gradient_calls: as in `AttackResult`.
    """

    success: Bool[Tensor, " samples"]
    wrong_from_the_start: Bool[Tensor, " samples"]
    distance: Float64[Tensor, " samples"]
    queries: Int64[Tensor, " samples"]
    gradient_calls: Int64[Tensor, " samples"]


def outcomes_of(
    attack: AbstractAttack, x: Float[Tensor, "samples channels height width"], result: AttackResult
) -> SampleOutcomes:
    """The outcomes of `attack` on the images `x`."""
    # An attack leaves an image unchanged and calls that a success only where nothing had to be done.
    unchanged = (result.adversarial == x).flatten(1).all(dim=1)
    return SampleOutcomes(
        success=result.success,
        wrong_from_the_start=result.success & unchanged,
        distance=attack.ball.distance(result.adversarial, x),
        queries=result.queries,
        gradient_calls=result.gradient_calls,
    )


def attack_accuracy(  # noqa: PLR0913 - one call says everything of an evaluation
    attack: AbstractAttack,
    model: Classifier,
    x: Float[Tensor, "samples channels height width"],
    y: Int64[Tensor, " samples"],
    *,
    generator: torch.Generator,
    targeted: int | Int64[Tensor, " samples"] | None = None,
    spared: Bool[Tensor, " samples"] | None = None,
    batch_size: int = 256,
    progress: Callable[[int], None] | None = None,
) -> AttackEvaluation:
    """Attack all samples in batches, whose size the result does not depend on but for the model's rounding.

    Args:
        attack: the attack, which knows its ball.
        model: images to logits.
        x: float32 or float64 images in [0, 1].
        y: their true labels.
        generator: a CPU generator; advances by one draw per sample.
        targeted: the classes that the samples are to be taken for, as in a call of an attack.
        spared: samples that need no attack, such as those with a certificate: they count as classified correctly under
            it, after one look. One that the model misclassifies is attacked like any other. The other samples fare as
            they would without it.
        batch_size: how many samples are attacked at once, and images shown to the model, at least 1.
        progress: called after every batch with the number of samples done so far.

    Raises:
        TypeError, ValueError, NonFiniteGradientError: as the attack does; also for a wrong `attack` or
            `batch_size`.
    """
    if not isinstance(attack, AbstractAttack):
        raise TypeError(f"`attack` must be an attack such as PGD(LinfBall(8/255)), got {type(attack).__name__}")
    require_count("batch_size", batch_size)
    require_images_and_labels(x, y)
    targets = require_targets(targeted, y)
    parts: list[SampleOutcomes] = []
    one_at_a_time = False
    for start in range(0, len(x), batch_size):
        images = x[start : start + batch_size].detach()
        chosen = targets if targets is None else targets[start : start + batch_size]
        streams = SampleStreams(require_cpu_generator("generator", generator), len(images), images.device)
        left_out = None if spared is None else spared[start : start + batch_size].to(images.device)
        rows = _to_attack(model, images, y[start : start + batch_size], left_out)
        outcomes, alone = _attacked(
            attack, model, images, y[start : start + batch_size], rows, streams, chosen, min(batch_size, AT_ONCE)
        )
        one_at_a_time |= alone
        parts.append(outcomes)
        if progress is not None:
            progress(start + len(images))
    success = torch.cat([part.success for part in parts])
    distance = torch.cat([part.distance for part in parts])
    wrong_from_the_start = torch.cat([part.wrong_from_the_start for part in parts])
    return AttackEvaluation(
        accuracy=_share(~success),
        clean_accuracy=_share(~wrong_from_the_start),
        num_samples=len(x),
        success=success,
        wrong_from_the_start=wrong_from_the_start,
        distance=distance,
        largest_distance=float(distance.max()),
        mean_queries=_share(torch.cat([part.queries for part in parts])),
        mean_gradient_calls=_share(torch.cat([part.gradient_calls for part in parts])),
        one_at_a_time=one_at_a_time,
        targeted=targets is not None,
    )


def _to_attack(model: Classifier, x: Tensor, y: Tensor, spared: Tensor | None) -> Int64[Tensor, " attacked"]:
    """The rows of a batch that are attacked: all that are not spared, and those that need no attack to be wrong."""
    if spared is None or not bool(spared.any()):
        return torch.arange(len(x), device=x.device)
    looked = spared.nonzero().squeeze(1)
    with evaluation_mode(model):
        answers = CountedModel(model, len(looked), x.device).full_precision_logits(x[looked])
    attacked = ~spared
    attacked[looked] = answers.argmax(dim=1) != y[looked]
    return attacked.nonzero().squeeze(1)


def _attacked(
    attack: AbstractAttack,
    model: Classifier,
    x: Tensor,
    y: Tensor,
    rows: Int64[Tensor, " attacked"],
    streams: SampleStreams,
    targets: Tensor | None,
    at_once: int,
) -> tuple[SampleOutcomes, bool]:
    """The outcomes of a batch of which these rows are attacked, and whether that was one image at a time."""
    no = torch.zeros(len(x), dtype=torch.bool, device=x.device)
    none = torch.zeros(len(x), dtype=torch.int64, device=x.device)
    everyone = SampleOutcomes(
        success=no, wrong_from_the_start=no, distance=none.double(), queries=none + 1, gradient_calls=none
    )
    if not len(rows):
        return everyone, False
    chosen = None if targets is None else targets[rows]
    result = attack.run(model, x[rows], y[rows], streams=streams.select(rows), targeted=chosen, at_once=at_once)
    found = outcomes_of(attack, x[rows], result)
    columns = {
        each.name: getattr(everyone, each.name).index_copy(0, rows, getattr(found, each.name))
        for each in fields(SampleOutcomes)
    }
    return SampleOutcomes(**columns), result.one_at_a_time


def _share(values: Tensor) -> float:
    """The mean over the samples, summed exactly as integers."""
    return int(values.sum()) / len(values)
