"""The finding that must never be an alarm: certified accuracy is at most the accuracy under attack."""

import math
from dataclasses import dataclass
from typing import final

from natrob_empirical.display.formatting import format_budget, format_share
from natrob_empirical.records import CertifiedPoint, Contradiction, Number, contradictions_between
from natrob_empirical.reporting.finding import Finding
from natrob_empirical.reporting.record_groups import ModelRuns, Section


@final
@dataclass(frozen=True, kw_only=True)
class CertificateCheck:
    """One certified point against one accuracy that it must not exceed.

    Attributes:
        place: model, seed, budgets, in words.
        certified, attacked: the two accuracies.
        broken: whether the two contradict each other, whichever images were attacked.
    """

    place: str
    certified: Number
    attacked: Number
    broken: bool


def certified_below_attacked(section: Section) -> Finding | None:
    """Certified ≤ attacked for every pair of budgets that a certificate covers, and for every image; theory.md, 6."""
    checks = [check for model in section.models for check in _checks_of(model)]
    compared, wrong = _image_checks(section)
    if not checks and not compared:
        return None
    broken = [check for check in checks if check.broken]
    if broken or wrong:
        text = f"BUG: {' '.join([*_broken_shares(broken, len(checks)), *_broken_images(wrong, compared)])} "
        text += "One of the two computations is wrong; trust neither."
        return Finding(name="certified-attacked", text=text, level="alarm", verdict="does not hold")
    text = ""
    if checks:
        text += f"Certified accuracy is at most the accuracy under attack in all {len(checks):,} comparisons of a "
        text += "certificate with an attack that it covers, or with no attack. "
    if compared:
        text += f"Image by image, in all {compared:,} comparisons of a certified radius above 0 with what an attack in "
        text += "the same norm did to the same image, no misclassified image was found within the radius."
    return Finding(name="certified-attacked", text=text.strip(), verdict="holds")


def _broken_shares(broken: list[CertificateCheck], whole: int) -> list[str]:
    """The worst accuracy above its limit, in words; nothing without any."""
    if not broken:
        return []
    worst = max(broken, key=lambda check: (check.certified.value - check.attacked.value, check.place))
    text = f"certified accuracy exceeds the accuracy under attack in {len(broken):,} of {whole:,} comparisons. "
    text += f"The worst: {worst.place}: certified {format_share(worst.certified.value, kind='lower')} "
    text += f"(lower, n = {worst.certified.n}) against {format_share(worst.attacked.value, kind='upper')} "
    text += f"(upper, n = {worst.attacked.n})."
    return [text]


def _broken_images(wrong: list[tuple[str, Contradiction]], compared: int) -> list[str]:
    """The image fooled deepest inside its radius, in words; nothing without any."""
    if not wrong:
        return []
    place, worst = min(wrong, key=lambda entry: (entry[1].distance / entry[1].radius, entry[0], entry[1].position))
    text = (
        f"image by image, {len(wrong):,} of {compared:,} certified radii hold an image that an attack misclassified. "
    )
    return [text + f"The worst: {place}, {worst.text}."]


def _image_checks(section: Section) -> tuple[int, list[tuple[str, Contradiction]]]:
    """How many radii were held against an attack on the same image, and those that it contradicts, with their place.

    Radii above 0 against attacks in their own norm count; what contradicts a radius in another norm is added to them.
    """
    compared, wrong = 0, []
    for model in section.models:
        for seed, theory in model.theory.items():
            for budget, by_seed in model.attacks.items():
                if seed not in by_seed or math.isnan(budget.epsilon):
                    continue
                attacked = by_seed[seed]
                own = [each for each in theory.certificates if each.norm == budget.norm]
                compared += sum(r > 0 for each in own for r in each.radius_values[: len(attacked.outcomes)])
                found = contradictions_between(theory, attacked, norm=budget.norm, epsilon=budget.epsilon)
                compared += sum(each.certificate_norm != each.norm for each in found)
                wrong += [(f"{model.label}, seed {seed}, {budget.attack}", each) for each in found]
    return compared, wrong


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


def _checks_of(model: ModelRuns) -> list[CertificateCheck]:
    """Every comparison that one model allows; clean accuracy counts as an attack of radius 0."""
    checks: list[CertificateCheck] = []
    for seed, theory in model.theory.items():
        attacked = [
            (budget.norm, budget.epsilon, budget.attack, by_seed[seed].accuracy)
            for budget, by_seed in model.attacks.items()
            if seed in by_seed and not math.isnan(budget.epsilon)
        ]
        for point in theory.certified:
            rivals = [*attacked, (point.norm, 0.0, "no attack", theory.clean_accuracy)]
            where = f"{model.label}, seed {seed}, certificate at {format_budget(point.norm, point.epsilon)}"
            checks += [
                CertificateCheck(
                    place=f"{where}, {attack} at {format_budget(norm, epsilon)}",
                    certified=point.accuracy,
                    attacked=accuracy,
                    broken=exceeds(point.accuracy, accuracy),
                )
                for norm, epsilon, attack, accuracy in rivals
                if covers(point, norm, epsilon)
            ]
    return checks
