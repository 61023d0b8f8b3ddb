"""The check that must never fail: no attack may fool an image within the radius certified for it (theory, 6)."""

import math
from dataclasses import dataclass
from typing import final

from natrob_empirical.display.formatting import format_budget
from natrob_empirical.evidence.ceilings import ceiling_curve
from natrob_empirical.evidence.run import Model, Run
from natrob_empirical.records import CertifiedPoint, Number, contradictions_between


@final
@dataclass(frozen=True, kw_only=True)
class CertificateChecks:
    """The comparisons of certificates with attacks in one run.

    Attributes:
        images: certified radii above 0 held against an attack on the same image.
        shares: certified accuracies held against accuracies that they must not exceed.
        broken: each contradiction in words; none, but for a bug.
    """

    images: int
    shares: int
    broken: tuple[str, ...]


def certificate_checks(run: Run) -> CertificateChecks:
    """Holds every certificate against every attack that it covers, and against clean accuracy."""
    images, shares, broken = 0, 0, []
    for model in run.models:
        if model.theory is None:
            continue
        for budget, attacked in model.attacks.items():
            if math.isnan(budget.epsilon):
                continue
            own = [each for each in model.theory.certificates if each.norm == budget.norm]
            images += sum(radius > 0 for each in own for radius in each.radius_values[: len(attacked.outcomes)])
            found = contradictions_between(model.theory, attacked, norm=budget.norm, epsilon=budget.epsilon)
            broken += [f"{model.label}, {budget.attack}, {each.text}" for each in found]
        compared = _shares(model)
        shares += len(compared)
        broken += [place for place, certified, attacked in compared if exceeds(certified, attacked)]
        broken += _above_ceiling(run, model)
    return CertificateChecks(images=images, shares=shares, broken=tuple(broken))


def _above_ceiling(run: Run, model: Model) -> list[str]:
    """Certified accuracies above what any classifier keeps on the same images."""
    points = () if model.theory is None else model.theory.certified
    curves = [(point, ceiling_curve(run, point.norm, point.accuracy.n or 0)) for point in points]
    return [
        f"{model.label}, certificate at {format_budget(point.norm, point.epsilon)}, the ceiling of the data"
        for point, curve in curves
        if curve is not None and point.accuracy.value > curve.share(point.epsilon) + 1e-9
    ]


def exceeds(certified: Number, attacked: Number) -> bool:
    """Whether a certified accuracy is above an accuracy under attack on nested sets of images.

    On n certified and m attacked images, the smaller set part of the larger one, at most max(0, n − m) certified
    images were not attacked; the others must have been classified correctly under attack.
    """
    if certified.n is None or attacked.n is None:
        return certified.value > attacked.value + 1e-9
    unattacked = max(0, certified.n - attacked.n)
    return certified.value * certified.n - unattacked > attacked.value * attacked.n + 1e-3


def covers(point: CertifiedPoint, norm: str, epsilon: float) -> bool:
    """Whether the certified ball contains the attacked one: same norm or L∞ around L2, and no smaller radius."""
    return point.epsilon >= epsilon and (point.norm == norm or (point.norm, norm) == ("Linf", "L2"))


def _shares(model: Model) -> list[tuple[str, Number, Number]]:
    """(place, certified, attacked) of every comparison that one model allows; no attack is one of radius 0."""
    if model.theory is None:
        return []
    attacked = [(b.norm, b.epsilon, b.attack, r.accuracy) for b, r in model.attacks.items() if b.epsilon == b.epsilon]
    return [
        (f"{model.label}, certificate at {format_budget(point.norm, point.epsilon)}, {attack}", point.accuracy, left)
        for point in model.theory.certified
        for norm, epsilon, attack, left in [*attacked, (point.norm, 0.0, "no attack", model.theory.clean_accuracy)]
        if covers(point, norm, epsilon)
    ]
