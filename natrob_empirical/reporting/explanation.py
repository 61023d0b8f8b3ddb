"""Which images does an attack fool? Quantities of each image held against what became of it, model by model."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias, final

import numpy as np
from scipy.stats import rankdata

from natrob_empirical.records import SampleAmplification, TheoryResult
from natrob_empirical.reporting.image_bounds import attacks_in, smallest_distances
from natrob_empirical.reporting.record_groups import ModelRuns, Section, ordered_norms
from natrob_empirical.statistics.bootstrap import Interval, auroc, mid_ranks_within, spearman

LOWEST_SHARE: Final = 0.1
HIGHEST_SHARE: Final = 0.9
FEWEST: Final = 5
"""So many fooled and so many kept images there must be at least for an AUROC."""
MOST_IMAGES: Final = 2000

Direction: TypeAlias = Literal[-1, 1]
Support: TypeAlias = Literal["explains", "not shown", "the reverse"]


@final
@dataclass(frozen=True, kw_only=True)
class Quantity:
    """Something known of every image.

    Attributes:
        name: in words.
        direction: 1 if the theory says that images with more of it are easier to fool, −1 if harder.
    """

    name: str
    direction: Direction


GROWTH_OF_TRUNK: Final = Quantity(name="measured amplification of the trunk", direction=1)
GROWTH_TO_FEATURES: Final = Quantity(name="measured amplification to the features", direction=1)
LOCAL_CONSTANT: Final = Quantity(name="local Lipschitz bound", direction=1)
LOGIT_MARGIN: Final = Quantity(name="margin of the logits", direction=-1)
NORMALISED_MARGIN: Final = Quantity(name="normalised margin", direction=-1)
MARGIN_OVER_GROWTH: Final = Quantity(name="normalised margin over amplification to the features", direction=-1)
RADIUS: Final = Quantity(name="certified radius", direction=-1)
QUANTITIES: Final = (
    GROWTH_OF_TRUNK, GROWTH_TO_FEATURES, LOCAL_CONSTANT, LOGIT_MARGIN, NORMALISED_MARGIN, MARGIN_OVER_GROWTH, RADIUS,
)  # fmt: skip


@final
@dataclass(frozen=True, kw_only=True)
class Explanation:
    """One quantity of one model's images against what the attacks of one norm did to them, all together.

    Attributes:
        model, seed, norm: which.
        quantity: what was held against it.
        images: how many had it and were classified correctly without an attack.
        epsilon: the attacked radius at which the share of those images fooled was nearest to one half.
        fooled: that share.
        separation: AUROC of fooled against kept images, oriented so that above 0.5 is what the theory says; None where
            no radius fools between 10 % and 90 %, or under `FEWEST` images of one outcome.
        ranking: Spearman's ρ with the smallest perturbation found, oriented so that above 0 is what the theory says;
            None where nothing was found.
        repeated: the quantities left out because they put the same images in the same order: the same evidence.
    """

    model: str
    seed: int
    norm: str
    quantity: Quantity
    images: int
    epsilon: float | None
    fooled: float
    separation: Interval | None
    ranking: Interval | None
    repeated: tuple[Quantity, ...] = ()

    @property
    def support(self) -> Support:
        """The conclusion that the AUROC supports: none where its interval covers 0.5."""
        return support_of(self.separation, 0.5)


def support_of(interval: Interval | None, neutral: float) -> Support:
    """Whether an interval lies above the value that means nothing, below it, or around it."""
    if interval is None or not interval.excludes(neutral):
        return "not shown"
    return "explains" if interval.low > neutral else "the reverse"


def explanations(section: Section) -> tuple[Explanation, ...]:
    """Every model, seed, norm and quantity that the records allow; models and seeds are never pooled.

    A quantity that orders a model's images as one before it does, such as a radius that is the margin over one
    constant, is no second piece of evidence: it is named in `repeated` only.
    """
    return tuple(
        found
        for model in section.models
        for seed, theory in model.theory.items()
        for norm in ordered_norms({budget.norm for budget in model.attacks})
        for found in _of_run(model, seed, norm, theory)
    )


def _of_run(model: ModelRuns, seed: int, norm: str, theory: TheoryResult) -> list[Explanation]:
    """All quantities of one trained model in one norm, under the attacks that saw the most images."""
    attacks = attacks_in(model, seed, norm)
    if not attacks:
        return []
    most = max(len(result.outcomes) for _, _, result in attacks)
    attacks = tuple(attack for attack in attacks if len(attack[2].outcomes) == most)
    n = min(MOST_IMAGES, most)
    distances = {i: d for i, d in enumerate(smallest_distances(attacks, n)) if d > 0}
    radii = sorted({epsilon for _, epsilon, _ in attacks if epsilon > 0})
    found: list[Explanation] = []
    orders: list[tuple[list[int], np.ndarray]] = []
    for quantity, values in quantities_of(theory, norm).items():
        images = [position for position in distances if position in values]
        scores = [values[position] for position in images]
        order = (images, rankdata([quantity.direction * score for score in scores]))
        same = next((index for index, other in enumerate(orders) if _same_order(order, other)), None)
        if images and same is not None:
            found[same] = replace(found[same], repeated=(*found[same].repeated, quantity))
        elif images:
            orders.append(order)
            found.append(
                _explanation(model, seed, norm, quantity, scores, [distances[position] for position in images], radii)
            )
    return found


def _same_order(first: tuple[list[int], np.ndarray], second: tuple[list[int], np.ndarray]) -> bool:
    """Whether the images are the same and their ranks too, but for ties that rounding makes or breaks."""
    return first[0] == second[0] and bool(np.all(np.abs(first[1] - second[1]) <= 0.5))


def _explanation(
    model: ModelRuns, seed: int, norm: str, quantity: Quantity, scores: list[float], distances: list[float],
    radii: list[float],
) -> Explanation:  # fmt: skip
    """One quantity against what became of the same images."""
    shares = {epsilon: sum(d <= epsilon for d in distances) / len(distances) for epsilon in radii}
    usable = [epsilon for epsilon, share in shares.items() if LOWEST_SHARE <= share <= HIGHEST_SHARE]
    epsilon = min(usable, key=lambda radius: (abs(shares[radius] - 0.5), radius), default=None)
    vulnerable = [quantity.direction * score for score in scores]
    separation = None
    if epsilon is not None:
        fooled = [distance <= epsilon for distance in distances]
        if min(sum(fooled), len(fooled) - sum(fooled)) >= FEWEST:
            separation = auroc(vulnerable, fooled)
    something = any(map(math.isfinite, distances))
    return Explanation(
        model=model.label,
        seed=seed,
        norm=norm,
        quantity=quantity,
        images=len(scores),
        epsilon=epsilon,
        fooled=0.0 if epsilon is None else shares[epsilon],
        separation=separation,
        ranking=spearman([-score for score in vulnerable], distances) if something else None,
    )


def quantities_of(theory: TheoryResult, norm: str) -> dict[Quantity, Mapping[int, float]]:
    """Quantity → position of the image → value, for everything that the record holds."""
    found: dict[Quantity, Mapping[int, float]] = {}
    margins: Mapping[int, float] = {}
    if theory.margins is not None:
        found[LOGIT_MARGIN] = _finite(theory.margins.logit_values)
        margins = found[NORMALISED_MARGIN] = _finite(theory.margins.normalised_values)
    if theory.amplification is not None:
        found[GROWTH_OF_TRUNK] = _ranked(theory.amplification, theory.amplification.trunk_values)
        found[GROWTH_TO_FEATURES] = _ranked(theory.amplification, theory.amplification.feature_values)
        found[MARGIN_OVER_GROWTH] = _over_growth(margins, theory.amplification)
    certificates = [each for each in theory.certificates if each.norm == norm and not each.refusal]
    constants = [each.constant_values for each in certificates if each.constants]
    if constants:
        found[LOCAL_CONSTANT] = dict(enumerate(map(min, zip(*constants, strict=False))))
    if certificates:
        most = max(each.images for each in certificates)
        found[RADIUS] = _best_radii([each.radius_values for each in certificates if each.images == most])
    return {quantity: found[quantity] for quantity in QUANTITIES if found.get(quantity)}


def _finite(values: Sequence[float]) -> dict[int, float]:
    """The values of the images that could be run, by position."""
    return {position: value for position, value in enumerate(values) if value > -math.inf}


def _best_radii(columns: Sequence[Sequence[float]]) -> dict[int, float]:
    """The largest radius of every image, over the methods that were tried on the most images."""
    return dict(enumerate(map(max, zip(*columns, strict=True))))


def _ranked(amplification: SampleAmplification, values: list[float]) -> dict[int, float]:
    """Ranks among perturbations of one kind: those that an attack found grow more than random ones of any image."""
    ranks = mid_ranks_within(values, list(amplification.perturbations))
    return dict(zip(amplification.position_values, ranks, strict=True))


def _over_growth(margins: Mapping[int, float], amplification: SampleAmplification) -> dict[int, float]:
    """Normalised margin over amplification, ranked among perturbations of one kind."""
    rows = [
        (position, kind, margins[position] / growth)
        for position, kind, growth in zip(
            amplification.position_values, amplification.perturbations, amplification.feature_values, strict=True
        )
        if position in margins and growth > 0
    ]
    ranks = mid_ranks_within([ratio for _, _, ratio in rows], [kind for _, kind, _ in rows])
    return {position: rank for (position, _, _), rank in zip(rows, ranks, strict=True)}
