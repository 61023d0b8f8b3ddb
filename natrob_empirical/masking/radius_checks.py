"""How the accuracy under the gradient attack depends on the radius, up to one where no classifier keeps two classes."""

from itertools import combinations

from natrob_empirical.attack_names import label_of
from natrob_empirical.attacks import AttackResult, MoveToGray

from .flag import ABOVE_CEILING, FLAT_IN_EPSILON, NOT_ONE_LABEL, RISING_IN_EPSILON
from .paired_test import compare_fooled
from .report import Evidence, judged
from .subject import Subject
from .thresholds import FLAT_DROP


def _ladder(subject: Subject) -> list[AttackResult]:
    return [subject.white_box(subject.ball_of(radius)) for radius in subject.radii()]


def _described(subject: Subject, ladder: list[AttackResult]) -> str:
    rungs = zip(subject.radii(), ladder, strict=True)
    return ", ".join(f"{subject.accuracy(result):.1%} at ε = {radius:.3g}" for radius, result in rungs)


def rising_check(subject: Subject) -> list[Evidence]:
    """Whether a larger ball is harder to attack, image by image."""
    ladder = _ladder(subject)
    comparisons = [compare_fooled(small.success, large.success) for small, large in combinations(ladder, 2)]
    worst = min(comparisons, key=lambda comparison: comparison.p_value)
    return [
        judged(
            RISING_IN_EPSILON,
            worst.challenger_is_stronger,
            f"{_described(subject, ladder)}; between two radii at most {worst.challenger_only} images fall in the "
            f"smaller ball alone, {worst.reference_only} in the larger alone (p = {worst.p_value:.2g})",
            n=subject.num_images,
            smaller_only=worst.challenger_only,
            larger_only=worst.reference_only,
            p_value=worst.p_value,
            settings=repr(subject.attack),
        )
    ]


def flat_check(subject: Subject) -> list[Evidence]:
    """Whether the images that survive the smallest radius survive the largest, and are more than one class."""
    subject.require_grey()
    ladder = _ladder(subject)
    survivors, left = (int((~result.success).sum()) for result in (ladder[0], ladder[-1]))
    drop = (survivors - left) / survivors if survivors else 1.0
    return [
        judged(
            FLAT_IN_EPSILON,
            drop < FLAT_DROP and left > subject.ceiling,
            f"{_described(subject, ladder)}; of {survivors} survivors of the smallest radius "
            f"{left} survive the largest",
            n=subject.num_images,
            survivors_smallest=survivors,
            survivors_largest=left,
            settings=repr(subject.attack),
        )
    ]


def ceiling_check(subject: Subject) -> list[Evidence]:
    """The accuracy at a radius that brings every image to gray, against the largest class share."""
    subject.require_grey()
    radius = subject.radii()[-1]
    result = subject.white_box(subject.ball_of(radius))
    accuracy, ceiling = subject.accuracy(result), subject.ceiling / subject.num_images
    return [
        judged(
            ABOVE_CEILING,
            _too_many_survive(subject, result),
            f"{label_of(subject.attack)} leaves {accuracy:.1%} at ε = {radius:.3g}, where every ball holds "
            f"the gray image and no deterministic classifier keeps more than the largest class, {ceiling:.1%}",
            n=subject.num_images,
            accuracy=accuracy,
            ceiling=ceiling,
            epsilon=radius,
            settings=repr(subject.attack),
        )
    ]


def gray_check(subject: Subject) -> list[Evidence]:
    """Whether Move to Gray reaches that ceiling, as it must on a deterministic classifier."""
    subject.require_grey()
    attack = MoveToGray(subject.ball_of(subject.radii()[-1]))
    result, n = subject.run(attack), subject.num_images
    accuracy, ceiling = subject.accuracy(result), subject.ceiling / n
    sentence = f"Move to Gray leaves {accuracy:.1%}; one label for it allows {ceiling:.1%} at most"
    raised, numbers = _too_many_survive(subject, result), {"accuracy": accuracy, "ceiling": ceiling}
    return [judged(NOT_ONE_LABEL, raised, sentence, n=n, settings=repr(attack), **numbers)]


def _too_many_survive(subject: Subject, result: AttackResult) -> bool:
    return int((~result.success).sum()) > subject.ceiling
