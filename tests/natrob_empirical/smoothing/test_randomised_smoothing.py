import math
from typing import Any

import pytest
import torch
from scipy.stats import binom, norm
from torch import Tensor, nn

from natrob_empirical.attacks.model_checks import RandomisedModelError
from natrob_empirical.smoothing import ABSTAINED, SmoothedAccuracy, lower_probability, randomised_smoothing
from natrob_empirical.smoothing.randomised_smoothing import smoothed_radius

SIGMA = 0.25


class HalfSpace(nn.Module):
    """Class 1 where the mean pixel is above ½: the plane lies at |Σx − d/2|/√d from an image."""

    def forward(self, x: Tensor) -> Tensor:
        side = x.flatten(1).sum(1) - 0.5 * x[0].numel()
        return torch.stack([-side, side], dim=1)


class Constant(nn.Module):
    """One class whatever the image."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.tensor([0.0, 1.0, 0.0]).expand(len(x), 3)


def images_at(distance: float, count: int) -> Tensor:
    """Images of 3 × 3 equal pixels, so far on the side of class 1 in L2."""
    return torch.full((count, 1, 3, 3), 0.5 + distance / 3.0, dtype=torch.float64)


def smoothed(model: nn.Module, x: Tensor, *, label: int = 1, seed: int = 0, **changed: Any) -> SmoothedAccuracy:
    settings = {"sigma": SIGMA, "samples_select": 20, "samples_estimate": 200, **changed}
    labels = torch.full((len(x),), label)
    return randomised_smoothing(model, x, labels, [0.0, 0.1], generator=torch.Generator().manual_seed(seed), **settings)


@pytest.mark.parametrize("distance", [0.15, 0.3])
def test_the_radius_of_a_half_space_exceeds_the_distance_with_no_more_than_alpha(distance: float) -> None:
    alpha, repeats = 0.05, 2_000
    result = smoothed(HalfSpace(), images_at(distance, repeats), failure_probability=alpha)
    too_large = int((result.radii > distance).sum())
    assert bool((result.labels != 0).all())
    assert too_large <= binom.ppf(1 - 1e-6, repeats, alpha)  # the share p̂ in place of the bound fails for about half
    counts = range(201)
    exceeding = [k for k in counts if lower_probability(k, 200, failure_probability=alpha) > norm.cdf(distance / SIGMA)]
    expected = float(sum(binom.pmf(k, 200, norm.cdf(distance / SIGMA)) for k in exceeding))
    assert binom.ppf(1e-6, repeats, expected) <= too_large <= binom.ppf(1 - 1e-6, repeats, expected)


def test_the_radius_comes_near_the_distance_with_more_samples() -> None:
    distance = 0.3
    means = [
        float(smoothed(HalfSpace(), images_at(distance, 10), samples_estimate=n).radii.mean())
        for n in (100, 1_000, 20_000)
    ]
    assert means == sorted(means)
    assert distance - 0.01 < means[-1] < distance


def test_what_is_as_likely_as_not_is_abstained_from() -> None:
    result = smoothed(HalfSpace(), images_at(0.0, 40))
    undecided = result.labels == ABSTAINED
    assert result.abstentions == int(undecided.sum()) >= 39
    assert bool((result.radii[undecided] == 0).all())
    assert result.clean_accuracy == result.accuracies[0] <= 1 / 40
    assert smoothed_radius(0.5, sigma=1.0) == 0.0
    assert smoothed_radius(0.5 + 1e-12, sigma=1.0) > 0.0


def test_a_constant_model_has_the_largest_radius_that_the_samples_allow() -> None:
    result = smoothed(Constant(), images_at(0.0, 3), failure_probability=0.001)
    expected = SIGMA * float(norm.ppf(0.001 ** (1 / 200)))
    assert result.radii.tolist() == [result.largest_radius] * 3
    assert result.largest_radius <= expected
    assert result.largest_radius == pytest.approx(expected, rel=1e-6)
    assert result.accuracies == (1.0, 1.0)
    assert smoothed(Constant(), images_at(0.0, 3), label=0).accuracies == (0.0, 0.0)


@pytest.mark.parametrize("batch_size", [1, 7, 64, 200, 10_000])
def test_the_batch_size_changes_nothing(batch_size: int) -> None:
    x = torch.cat([images_at(distance, 2) for distance in (-0.2, 0.0, 0.2)])
    reference = smoothed(HalfSpace(), x, samples_estimate=150)
    other = smoothed(HalfSpace(), x, samples_estimate=150, batch_size=batch_size)
    assert torch.equal(reference.radii, other.radii)
    assert torch.equal(reference.labels, other.labels)
    assert not torch.equal(reference.radii, smoothed(HalfSpace(), x, samples_estimate=150, seed=1).radii)


def test_no_more_images_are_shown_at_once_than_asked_for() -> None:
    sizes: list[int] = []

    class Noting(HalfSpace):
        def forward(self, x: Tensor) -> Tensor:
            sizes.append(len(x))
            return super().forward(x)

    smoothed(Noting(), images_at(0.2, 3), batch_size=50)
    assert max(sizes) == 50


def test_noise_is_not_clipped() -> None:
    seen: list[float] = []

    class Noting(Constant):
        def forward(self, x: Tensor) -> Tensor:
            seen.extend((float(x.min()), float(x.max())))
            return super().forward(x)

    smoothed(Noting(), images_at(0.0, 1), sigma=1.0)
    assert min(seen) < -1.0
    assert max(seen) > 2.0


def test_the_words_say_what_it_is() -> None:
    result = smoothed(Constant(), images_at(0.0, 3), failure_probability=0.01)
    assert (result.kind, result.norm) == ("lower bound with probability 1 − α", "L2")
    assert result.joint_failure_probability == pytest.approx(0.03)
    for words in ("SMOOTHED", "not about the model itself", "1 − 0.01 ", "1 − 0.03", "not clipped", "no certificate"):
        assert words in result.statement
    assert "gives nothing." in smoothed(Constant(), images_at(0.0, 3), failure_probability=0.4).statement


def test_a_model_in_training_mode_is_left_in_it_and_a_random_one_is_refused() -> None:
    model = nn.Sequential(nn.Dropout(0.5), HalfSpace()).train()
    smoothed(model, images_at(0.2, 2))
    assert all(part.training for part in model.modules())

    class Random(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.rand(len(x), 2)

    with pytest.raises(RandomisedModelError):
        smoothed(Random(), images_at(0.2, 2))


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"sigma": 0.0}, ValueError, "`sigma` must be greater than 0, got 0.0"),
        ({"sigma": -0.25}, ValueError, "`sigma` must be greater than 0, got -0.25"),
        ({"sigma": math.nan}, ValueError, "`sigma` must be finite, got nan"),
        ({"samples_select": 0}, ValueError, "`samples_select` must be at least 1"),
        ({"samples_estimate": 0}, ValueError, "`samples_estimate` must be at least 1"),
        ({"failure_probability": 1.0}, ValueError, "`failure_probability` must lie between 0 and 1"),
        ({"batch_size": 0}, ValueError, "`batch_size` must be at least 1"),
        ({"label": 2}, ValueError, "`y` must hold labels from 0 to 1"),
    ],
)
def test_what_cannot_be_is_refused_by_name(changed: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        smoothed(HalfSpace(), images_at(0.2, 2), **changed)


def test_radii_and_logits_must_be_numbers() -> None:
    x, y, generator = images_at(0.2, 2), torch.ones(2, dtype=torch.int64), torch.Generator()
    with pytest.raises(ValueError, match="`epsilons` must be at least 0"):
        randomised_smoothing(HalfSpace(), x, y, [-0.1], sigma=SIGMA, generator=generator)
    with pytest.raises(ValueError, match="got NaN or infinity"):
        randomised_smoothing(lambda images: math.nan * HalfSpace()(images), x, y, [0.1], sigma=SIGMA,
                             generator=generator)  # fmt: skip
    with pytest.raises(ValueError, match="2 or more"):
        randomised_smoothing(lambda images: HalfSpace()(images)[:, :1], x, y, [0.1], sigma=SIGMA, generator=generator)
