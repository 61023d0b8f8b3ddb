"""The ceiling that the data sets on robust accuracy, from the conflicts of labelled images."""

from collections.abc import Sequence
from typing import Final

from natrob_empirical.ceiling.ceiling import Ceiling
from natrob_empirical.ceiling.distance_limits import CeilingNorm, diameter_reached
from natrob_empirical.ceiling.inputs import ImagesLike, require_images, require_labels
from natrob_empirical.ceiling.labelled_images import LabelledImages
from natrob_empirical.ceiling.near_pairs import SEARCHES
from natrob_empirical.ceiling.pixel_levels import pixel_levels
from natrob_empirical.threat_models import AbstractBall, L1Ball, L2Ball, LinfBall
from natrob_theory.numbers.argument_checks import require_choice, require_nonnegative

_NORMS: Final[dict[type[AbstractBall], CeilingNorm]] = {LinfBall: "Linf", L2Ball: "L2", L1Ball: "L1"}


def robustness_ceiling(images: ImagesLike, labels: ImagesLike, ball: AbstractBall) -> Ceiling:
    """Bounds the robust accuracy of every deterministic classifier that looks at one image at a time.

    Two images of different labels whose distance is at most 2ε conflict: their balls share a point of [0, 1]^d, where
    the classifier gives one label. The images that are robust at once are an independent set of the graph of conflicts,
    and some classifier is robust on any such set. So the ceiling is α/n, n images, α the size of a largest independent
    set. It bounds certified accuracy and robust accuracy. An accuracy under attack above it proves the attack weak.

    α is enclosed: from above by a fractional clique cover checked in whole numbers, from below by an independent set
    checked edge by edge. Where they meet the ceiling is exact.

    Args:
        images: of shape (images, *pixels): an array, or a tensor on the CPU. uint8, where k stands for k/255, or
            float32 or float64 pixels in [0, 1].
        labels: whole numbers of shape (images,).
        ball: a LinfBall, an L2Ball or an L1Ball, without a mask.

    Returns:
        the ceiling, with both certificates, the nearest conflicting pairs, and what was left open.

    Raises:
        TypeError, ValueError: images, labels or a ball that are not as described.
        CeilingCertificateError: a certificate that does not hold, a fault of the search.

    Source: Bhagoji et al., NeurIPS 2019; Dai et al., NeurIPS 2023; theory, section 9.
    Proof: proofs/coq/data_ceiling.v.
    """
    if type(ball) not in _NORMS:
        raise TypeError(
            f"`ball` must be a LinfBall, an L2Ball or an L1Ball, got {ball!r} of type {type(ball).__name__}"
        )
    if ball.mask is not None:
        raise ValueError("`ball` must have no mask: images that differ in a held pixel never conflict")
    return robustness_ceilings(images, labels, [ball.epsilon], norm=_NORMS[type(ball)])[0]


def robustness_ceilings(
    images: ImagesLike, labels: ImagesLike, epsilons: Sequence[float], *, norm: CeilingNorm
) -> tuple[Ceiling, ...]:
    """Computes the ceiling at several radii: distances are computed once, for the largest.

    Args:
        images, labels: as for `robustness_ceiling`.
        epsilons: the radii, at least 0.
        norm: "L2", "Linf" or "L1".

    Raises:
        TypeError, ValueError: arguments that are not as described.

    Proof: proofs/coq/data_ceiling.v.
    """
    require_choice("norm", norm, tuple(SEARCHES))
    radii = [require_nonnegative("epsilon", epsilon) for epsilon in epsilons]
    array = require_images(images)
    subject = LabelledImages(pixels=pixel_levels(array), labels=require_labels(labels, len(array)), norm=norm)
    searched = [radius for radius in radii if not diameter_reached(subject.pixels, norm, radius)]
    pairs = subject.pairs(max(searched)) if searched else None
    return tuple(
        subject.whole_ceiling(radius) if pairs is None or radius not in searched else subject.ceiling(radius, pairs)
        for radius in radii
    )
