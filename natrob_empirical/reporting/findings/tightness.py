"""How much is unknown between certificate and attack, and how much of it the growth bound may give away."""

import math
from statistics import median
from typing import Final

from natrob_empirical.display.formatting import NORM_SIGNS, format_number, join_words
from natrob_empirical.records import TheoryResult
from natrob_empirical.reporting.finding import Finding
from natrob_empirical.reporting.image_bounds import ImageBounds, image_bounds
from natrob_empirical.reporting.record_groups import ModelRuns, Section, SeedSummary

TIGHT: Final = 1.3


def certificate_gap(section: Section) -> Finding | None:
    """Per model, the median over images of smallest perturbation found over certified radius."""
    bounds = [each for each in image_bounds(section) if each.gap_ratios]
    if not bounds:
        return None
    sentences = []
    for norm in dict.fromkeys(each.norm for each in bounds):
        listed = [_median_phrase(each, len(section.seeds) > 1) for each in bounds if each.norm == norm]
        sentences.append(f"In {NORM_SIGNS.get(norm, norm)}: {join_words(listed)}.")
    text = "The smallest perturbation found is so many times the certified radius, median over the images that have a "
    text += (
        f"certificate and met every attack of the norm: {' '.join(sentences)} 1 would mean that nothing is unknown; "
    )
    text += "what exceeds it is the bound's looseness, the attack's weakness, or both."
    return Finding(name="certificate-gap", text=text)


def trunk_tightness(section: Section) -> Finding | None:
    """Per model, the upper constant of the trunk over the largest lower bound that was found."""
    found = [(model.label, ratio) for model in section.models if (ratio := tightness_of(model)) is not None]
    if not found or not any(t.trunk_lipschitz_lower for model in section.models for t in model.theory.values()):
        return None
    found.sort(key=lambda entry: (max(entry[1].values), entry[0]))
    tight = [label for label, ratio in found if max(ratio.values) <= TIGHT]
    listed = join_words([f"{format_number(max(ratio.values), kind='upper')} ({label})" for label, ratio in found])
    text = f"The trunk's growth bound over the largest growth found by search or measured, at most: {listed}. "
    if tight:
        text += f"At most {TIGHT:g} means that no better bound from the trunk alone could certify much more: "
        text += f"{join_words(tight)}."
    else:
        text += f"None is at most {TIGHT:g}: the bound on the trunk may give away much of what could be certified."
    return Finding(name="trunk-tightness", text=text)


def tightness_of(model: ModelRuns) -> SeedSummary | None:
    """Upper constant of the trunk over its largest known lower bound, per seed: an upper bound of its looseness."""
    known = [(ratio, theory) for theory in model.theory.values() if (ratio := looseness(theory)) is not None]
    counts = {(theory.trunk_lipschitz_lower or theory.measured_growth_largest).n for _, theory in known}
    ordered = tuple(sorted(counts, key=lambda n: -1 if n is None else n))
    return SeedSummary(values=tuple(ratio for ratio, _ in known), kinds=("upper",), counts=ordered) if known else None


def looseness(theory: TheoryResult) -> float | None:
    """`growth_bound` over the larger of what a search found and what was measured; None where nothing grew at all."""
    lower = theory.measured_growth_largest.value
    if theory.trunk_lipschitz_lower is not None:
        lower = max(lower, theory.trunk_lipschitz_lower.value)
    if not lower > 0 or math.isinf(lower):
        return None
    return theory.growth_bound.value / lower


def _median_phrase(bounds: ImageBounds, several: bool) -> str:
    """ "9.3 (ResNet, n = 190)", with how many images no attack fooled."""
    ratios = bounds.gap_ratios
    unfooled = sum(map(math.isinf, ratios))
    middle = median(ratios)
    shown = "beyond every attack" if math.isinf(middle) else format_number(middle)
    seed = f", seed {bounds.seed}" if several else ""
    note = f", {unfooled:,} not fooled" if unfooled else ""
    return f"{shown} ({bounds.model}{seed}, n = {len(ratios):,}{note})"
