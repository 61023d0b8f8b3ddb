"""The accuracies that no classifier exceeds on a run's own test images."""

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

    def steps(self, end: float) -> list[tuple[float, float]]:
        """(radius, share from there on) from 0 to `end`."""
        radii = [0.0, *(point.epsilon for point in self.points if 0 < point.epsilon < end), end]
        return [(radius, self.share(radius)) for radius in radii]


def ceiling_curve(run: Run, norm: str, images: int) -> CeilingCurve | None:
    """The curve on so many of the run's first images; None where no record holds it."""
    points = sorted((p for p in run.ceilings if (p.norm, p.images) == (norm, images)), key=lambda p: p.epsilon)
    return CeilingCurve(norm=norm, images=images, points=tuple(points)) if points else None


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
