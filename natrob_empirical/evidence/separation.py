"""Image by image: are those that an attack fools the ones whose perturbations grow most inside the network?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

from natrob_empirical.evidence.image_bounds import attacks_in, smallest_distances
from natrob_empirical.evidence.run import Model, Run, ordered_norms
from natrob_empirical.statistics.bootstrap import Interval, auroc, mid_ranks_within

_SHARES: Final = (0.1, 0.9)
_FEWEST: Final = 5
"""So many fooled and so many kept images there must be at least for an AUROC."""


@final
@dataclass(frozen=True, kw_only=True)
class Separation:
    """How well the growth of an image's perturbation tells fooled images of one model from kept ones.

    Attributes:
        model: its label.
        norm, epsilon: of the attacks, and the attacked radius at which the share fooled is nearest to one half.
        auroc: above 0.5 where fooled images grow more; its n counts the images.
    """

    model: str
    norm: str
    epsilon: float
    auroc: Interval


def separations(run: Run) -> list[Separation]:
    """Every model and norm in which at least one radius fools between 10 % and 90 % of the measured images.

    Growth is ranked among perturbations of one kind: those that an attack found grow more than random ones of any
    image. Images that are misclassified without an attack are left out.
    """
    places = [(model, norm) for model in run.models for norm in ordered_norms({b.norm for b in model.attacks})]
    found = [(model, norm, _of_model(model, norm)) for model, norm in places]
    return [
        Separation(model=model.label, norm=norm, epsilon=each[0], auroc=each[1])
        for model, norm, each in found
        if each is not None
    ]


def _of_model(model: Model, norm: str) -> tuple[float, Interval] | None:
    """The radius and the AUROC of the trunk's growth."""
    measured = None if model.theory is None else model.theory.amplification
    if measured is None:
        return None
    ranks = mid_ranks_within(measured.trunk_values, list(measured.perturbations))
    return separation(model, norm, dict(zip(measured.position_values, ranks, strict=True)))


def separation(model: Model, norm: str, scores: Mapping[int, float]) -> tuple[float, Interval] | None:
    """The attacked radius at which about half of the images fall, and how well scores tell the fooled ones there.

    Args:
        model: under the attacks that saw the most images, all together.
        norm: of the attacks.
        scores: position of an image → a number that is larger for images that should be easier to fool.

    Returns:
        The radius and the AUROC; None where no radius fools between 10 % and 90 % of the images with a score.
    """
    attacks = attacks_in(model, norm)
    if not attacks:
        return None
    n = max(len(result.outcomes) for *_, result in attacks)
    attacks = tuple(each for each in attacks if len(each[2].outcomes) == n)
    distances = smallest_distances(attacks, n)
    images = [(score, distances[at]) for at, score in scores.items() if at < n and distances[at]]
    return _nearest_to_half(images, {epsilon for _, epsilon, _ in attacks if epsilon > 0})


def _nearest_to_half(images: list[tuple[float, float]], radii: set[float]) -> tuple[float, Interval] | None:
    """The radius that splits the images (rank, distance found) best, with its AUROC; None where none does."""
    shares = {e: sum(distance <= e for _, distance in images) / len(images) for e in radii} if images else {}
    usable = {e: abs(share - 0.5) for e, share in shares.items() if _SHARES[0] <= share <= _SHARES[1]}
    if not usable:
        return None
    epsilon = min(usable, key=lambda e: (usable[e], e))
    fooled = [distance <= epsilon for _, distance in images]
    if min(sum(fooled), len(fooled) - sum(fooled)) < _FEWEST:
        return None
    interval = auroc([rank for rank, _ in images], fooled)
    return None if interval is None else (epsilon, interval)
