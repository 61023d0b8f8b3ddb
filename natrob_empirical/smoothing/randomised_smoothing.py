"""Randomised smoothing: the classifier that a model is under noise, and its radii, each with a probability."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from natrob_empirical.attacks.attack_inputs import require_images_and_labels, require_labels_in_range
from natrob_empirical.attacks.counted_model import Classifier, CountedModel, evaluation_mode
from natrob_empirical.attacks.model_checks import shown_alone_if_needed
from natrob_empirical.random_streams import SampleStreams, require_cpu_generator
from natrob_empirical.smoothing.clopper_pearson import DOWNWARD, lower_probability, require_failure_probability
from natrob_empirical.smoothing.noisy_votes import BLOCK, noisy_votes
from natrob_empirical.smoothing.smoothed_accuracy import ABSTAINED, SmoothedAccuracy
from natrob_theory.numbers.argument_checks import require_count, require_nonnegative, require_positive


def randomised_smoothing(  # noqa: PLR0913 - one parameter a setting
    model: Classifier,
    x: Float[Tensor, "samples channels height width"],
    y: Int64[Tensor, " samples"],
    epsilons: Sequence[float],
    *,
    sigma: float,
    samples_select: int = 100,
    samples_estimate: int = 10_000,
    failure_probability: float = 0.001,
    batch_size: int = 1024,
    generator: torch.Generator,
    progress: Callable[[int], None] | None = None,
) -> SmoothedAccuracy:
    """L2 radii of the smoothed classifier g(x) = argmax_c P(model(x + N(0, σ²I)) = c), by sampling.

    The most frequent class A of `samples_select` noisy copies of an image is chosen. Of `samples_estimate` others the
    Clopper–Pearson lower bound p of its probability is taken. Where p > ½, g answers A at all images nearer than
    σ·Φ⁻¹(p) in L2, elsewhere it is abstained. The probability of a wrong statement is at most `failure_probability`
    for each image, over the noise.

    It says nothing about the model without noise, and it is no certificate: `certified_accuracy` gives those. A radius
    is at most that of copies which all agree, σ·Φ⁻¹(α^{1/n}). The noise is taken to be exactly Gaussian.

    Source: Cohen, Rosenfeld and Kolter, "Certified adversarial robustness via randomized smoothing", ICML 2019,
    Theorem 1 and Proposition 2 (CERTIFY); the theorem rests on Neyman and Pearson's lemma.

    Args:
        model: images to logits; an nn.Module is run in eval mode. Where its answers depend on the batch, noisy images
            are shown to it alone.
        x: images in [0, 1]; with the noise they leave it, and are not clipped.
        y: labels.
        epsilons: L2 radii.
        sigma: standard deviation of the noise in every pixel, greater than 0.
        samples_select, samples_estimate: noisy copies of each image, at least 1.
        failure_probability: α, between 0 and 1, of each image; α/n makes it that of all n images together.
        batch_size: the most noisy images that the model is shown at once. The noise does not depend on it.
        generator: a CPU generator; advances by one draw per image.
        progress: called after every batch with the number of images done so far.

    Raises:
        TypeError, ValueError: arguments, or answers of the model, that are not as described.
        RandomisedModelError: the model answers the same image differently from call to call.
    """
    require_images_and_labels(x, y)
    if not isinstance(epsilons, Iterable):
        raise TypeError(f"`epsilons` must be a sequence of radii, got {epsilons!r}")
    wanted = tuple(require_nonnegative("epsilons", epsilon) for epsilon in epsilons)
    settings = _Settings(
        sigma=require_positive("sigma", sigma),
        select=require_count("samples_select", samples_select),
        estimate=require_count("samples_estimate", samples_estimate),
        alpha=require_failure_probability(failure_probability),
        batch_size=require_count("batch_size", batch_size),
    )
    require_cpu_generator("generator", generator)
    found: list[tuple[int, int]] = []
    with evaluation_mode(model):
        shown = shown_alone_if_needed(model, x[: max(1, settings.batch_size // BLOCK)].detach())
        for votes in _counted(shown, x.detach(), y, settings, generator):
            found.extend(votes)
            if progress is not None:
                progress(len(found))
    bounds = [lower_probability(votes, settings.estimate, failure_probability=settings.alpha) for _, votes in found]
    radii = torch.tensor([smoothed_radius(bound, sigma=settings.sigma) for bound in bounds], dtype=torch.float64)
    chosen = torch.tensor([label for label, _ in found])
    labels = torch.where(radii > 0, chosen, ABSTAINED)
    right = labels == y.cpu()
    unanimous = lower_probability(settings.estimate, settings.estimate, failure_probability=settings.alpha)
    return SmoothedAccuracy(
        sigma=settings.sigma,
        epsilons=wanted,
        accuracies=tuple(float((right & (radii >= epsilon)).double().mean()) for epsilon in wanted),
        clean_accuracy=float(right.double().mean()),
        radii=radii,
        labels=labels,
        lower_probabilities=torch.tensor(bounds, dtype=torch.float64),
        failure_probability=settings.alpha,
        samples_select=settings.select,
        samples_estimate=settings.estimate,
        largest_radius=smoothed_radius(unanimous, sigma=settings.sigma),
    )


def smoothed_radius(probability: float, *, sigma: float) -> float:
    """σ·Φ⁻¹(p), the L2 radius of a class with at least the probability p under noise N(0, σ²I); 0 for p ≤ ½.

    It is that of a half space, the worst of all sets with the probability p: noise falls on its side of the plane with
    probability Φ(distance/σ), so that no larger radius holds for all classifiers. Moved down by a part in 10⁹.

    Source: Cohen, Rosenfeld and Kolter, ICML 2019, Theorem 1 with p_B = 1 − p_A, and Theorem 2.
    """
    if probability <= 0.5:
        return 0.0
    from scipy.special import ndtri  # noqa: PLC0415 - scipy's import takes longer than help may

    return max(0.0, sigma * float(ndtri(probability)) * DOWNWARD)


@final
@dataclass(frozen=True, kw_only=True)
class _Settings:
    """The arguments of `randomised_smoothing`, checked."""

    sigma: float
    select: int
    estimate: int
    alpha: float
    batch_size: int


def _counted(
    model: Classifier, x: Tensor, y: Tensor, settings: _Settings, generator: torch.Generator
) -> Iterator[list[tuple[int, int]]]:
    """Yields, batch by batch, each image's chosen class and how many of the other noisy copies are of it."""
    at_once = max(1, settings.batch_size // BLOCK)
    for start in range(0, len(x), at_once):
        images = x[start : start + at_once]
        streams = SampleStreams(generator, len(images), images.device)
        counted = CountedModel(model, len(images), images.device)
        chosen_by, judged_by = (
            noisy_votes(counted, images, streams, samples, sigma=settings.sigma, batch_size=settings.batch_size)
            for samples in (settings.select, settings.estimate)
        )
        require_labels_in_range(y, chosen_by.shape[1])
        labels = chosen_by.argmax(dim=1)
        votes = judged_by.gather(1, labels[:, None])[:, 0]
        yield list(zip(labels.tolist(), votes.tolist(), strict=True))
