"""Image by image, the smallest change of an image that changes its label: certified from below, found from above."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, final

from natrob_empirical.display.formatting import clean_text
from natrob_empirical.evidence.run import Model, Run, ordered_norms
from natrob_empirical.records import AttackResult, TheoryResult, distances_found, share_certified

Attacked: TypeAlias = tuple[str, float, AttackResult]
"""An attack's label, its radius and its result."""


@final
@dataclass(frozen=True, kw_only=True)
class ImageBounds:
    """One model in one norm, on the first images that its attacks and its certificate saw.

    Attributes:
        model: its label.
        norm: of all radii and distances.
        certified_radii: per image, the largest over the methods: a lower bound; 0 where nothing is certified.
        found_distances: per image, the smallest over the attacks and radii: an upper bound; 0 for an image that is
            misclassified already, ∞ where no attack found anything.
        methods: the certificates behind it; none if they were refused.
        refusal: why there is none, or empty.
        attacks: the attacks in this norm, with every radius.
    """

    model: str
    norm: str
    certified_radii: tuple[float, ...]
    found_distances: tuple[float, ...]
    methods: tuple[str, ...]
    refusal: str
    attacks: tuple[Attacked, ...]

    def __len__(self) -> int:
        return len(self.found_distances)

    @property
    def epsilons(self) -> tuple[float, ...]:
        """The radii that were attacked, in order."""
        return tuple(sorted({epsilon for _, epsilon, _ in self.attacks}))

    def certified(self, epsilon: float) -> float:
        """The share of the images certified at this radius, as `certified_accuracy` counts them: a lower bound."""
        return share_certified(self.certified_radii, epsilon)

    def attacked(self, epsilon: float) -> float:
        """The share of the images without a misclassified image found within this radius: an upper bound."""
        return sum(distance > epsilon for distance in self.found_distances) / len(self)

    def undecided(self, epsilon: float) -> int:
        """How many images are neither certified nor attacked at this radius."""
        pairs = zip(self.certified_radii, self.found_distances, strict=True)
        return sum(not (low > 0 and low >= epsilon) and high > epsilon for low, high in pairs)

    def first_images(self, n: int) -> "ImageBounds":
        """The bounds on the first n images, or on all where there are fewer."""
        return replace(self, certified_radii=self.certified_radii[:n], found_distances=self.found_distances[:n])

    def under(self, attack: str, epsilon: float) -> float | None:
        """The share of the same images that one attack left at one radius; None where it was not run."""
        for label, radius, result in self.attacks:
            if (label, radius) == (attack, epsilon):
                return result.outcomes[: len(self)].count("k") / len(self)
        return None

    @property
    def contradictions(self) -> tuple[int, ...]:
        """The positions of the images whose certificate an attack contradicts: never any, but for a bug."""
        pairs = zip(self.certified_radii, self.found_distances, strict=True)
        return tuple(position for position, (low, high) in enumerate(pairs) if low > 0 and high <= low)


def image_bounds(run: Run) -> tuple[ImageBounds, ...]:
    """Every model and norm with certificates and attacks image by image, on the images that all attacks saw."""
    found = (
        bounds_of(model, norm)
        for model in run.models
        if model.theory is not None
        for norm in ordered_norms({each.norm for each in model.theory.certificates})
    )
    return tuple(each for each in found if each is not None)


def attacks_in(model: Model, norm: str) -> tuple[Attacked, ...]:
    """The attacks in this norm that tell what became of every image."""
    return tuple(
        (budget.attack, budget.epsilon, result)
        for budget, result in model.attacks.items()
        if budget.norm == norm and not math.isnan(budget.epsilon) and result.outcomes
    )


def smallest_distances(attacks: Sequence[Attacked], n: int) -> tuple[float, ...]:
    """The smallest distance of each of the first n images over the attacks that saw it."""
    columns = [_padded(distances_found(result, epsilon), n, math.inf) for _, epsilon, result in attacks]
    return _by_image(min, columns)


def best_radii(theory: TheoryResult, norm: str) -> tuple[float, ...]:
    """Per image the largest radius over the methods, of as many images as the method with the most; may be empty."""
    given = [each for each in theory.certificates if each.norm == norm and not each.refusal]
    n = max((each.images for each in given), default=0)
    return _by_image(max, [_padded(each.radius_values, n, 0.0) for each in given]) if given else ()


def bounds_of(model: Model, norm: str) -> ImageBounds | None:
    """One model in one norm, or None without an attack or a theory record."""
    if model.theory is None:
        return None
    attacks = attacks_in(model, norm)
    certificates = [each for each in model.theory.certificates if each.norm == norm]
    given = [each for each in certificates if not each.refusal]
    # A certificate of fewer images than another leaves the later ones to the other: it shortens nothing.
    radii = best_radii(model.theory, norm)
    lengths = [len(result.outcomes) for _, _, result in attacks]
    n = min(*lengths, max(each.images for each in certificates)) if lengths and certificates else 0
    if n == 0:
        return None
    refusals = dict.fromkeys(clean_text(each.refusal) for each in certificates if each.refusal)
    return ImageBounds(
        model=model.label,
        norm=norm,
        certified_radii=radii[:n] if radii else (0.0,) * n,
        found_distances=smallest_distances(attacks, n),
        methods=tuple(dict.fromkeys(each.method for each in given)),
        refusal="" if given else "; ".join(refusals),
        attacks=attacks,
    )


def _padded(values: list[float], n: int, missing: float) -> list[float]:
    """The first n, with `missing` for those that are not there."""
    return [*values[:n], *[missing] * (n - len(values))]


def _by_image(pick: Callable[[Iterable[float]], float], columns: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Smallest or largest of every image."""
    return tuple(pick(values) for values in zip(*columns, strict=True))
