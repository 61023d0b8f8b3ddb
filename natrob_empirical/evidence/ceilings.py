"""The accuracies that no classifier exceeds on a run's own test images."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

from natrob_empirical.evidence.run import Run
from natrob_empirical.norms import IMPOSSIBLE_RADIUS
from natrob_empirical.records import AttackResult, CeilingPoint

_ROUNDING: Final = 1e-9


@final
@dataclass(frozen=True, kw_only=True)
class CeilingCurve:
    """The ceiling of the first images of a run in one norm, as a bound at every radius.

    A larger radius has no more robust images, so that the ceiling at a radius bounds all beyond it up to the next.

    Attributes:
        norm: of the radii.
        images: how many.
        points: by radius.
    """

    norm: str
    images: int
    points: tuple[CeilingPoint, ...]

    def share(self, epsilon: float) -> float:
        """The least share that a radius at most this one proves; 1 before the first."""
        return min((point.share.value for point in self.points if point.epsilon <= epsilon), default=1.0)


@final
@dataclass(frozen=True, kw_only=True)
class CeilingStep:
    """A radius, the share that no classifier exceeds from there on, and of how many images."""

    epsilon: float
    share: float
    images: int


def ceiling_curve(run: Run, norm: str, images: int) -> CeilingCurve | None:
    """The curve on so many of the run's first images; None where no record holds it."""
    points = sorted((p for p in run.ceilings if (p.norm, p.images) == (norm, images)), key=lambda p: p.epsilon)
    return CeilingCurve(norm=norm, images=images, points=tuple(points)) if points else None


def ceiling_along(run: Run, norm: str, images: Mapping[float, int], end: float) -> list[CeilingStep]:
    """The ceiling along a curve of accuracies from 0 to `end`, at every radius of the images behind the curve there.

    Args:
        run: with its ceilings.
        norm: of the radii.
        images: radius → how many of the first images the curve is about from there on; before the first as many.
        end: the last radius.

    Returns:
        the steps, none where no record holds a ceiling of these images.
    """
    counts, first = sorted(images.items()), images[min(images)]
    found = {count: curve for count in images.values() if (curve := ceiling_curve(run, norm, count))}
    if not found:
        return []
    radii = {*images, *(point.epsilon for curve in found.values() for point in curve.points)}
    steps = []
    for radius in sorted({0.0, end, *(each for each in radii if 0 < each < end)}):
        count = next((n for start, n in reversed(counts) if start <= radius), first)
        share = found[count].share(radius) if count in found else 1.0
        steps.append(CeilingStep(epsilon=radius, share=share, images=count))
    return steps


def ceiling_of(run: Run, result: AttackResult, norm: str, epsilon: float) -> float | None:
    """The share that no classifier exceeds on an attack's images; None where nothing is known.

    From an L∞ radius of ½ on it is the largest class among them, also where a record holds no ceilings.
    """
    curve = None if result.accuracy.n is None else ceiling_curve(run, norm, result.accuracy.n)
    known = None if curve is None else curve.share(epsilon)
    if norm == "Linf" and epsilon >= IMPOSSIBLE_RADIUS:
        return result.majority_share if known is None else min(known, result.majority_share)
    return known


def above_ceiling(run: Run, result: AttackResult, norm: str, epsilon: float) -> float | None:
    """The ceiling where the accuracy under an attack is above it, which proves the attack weak; else None."""
    ceiling = ceiling_of(run, result, norm, epsilon)
    return ceiling if ceiling is not None and result.accuracy.value > ceiling + _ROUNDING else None
