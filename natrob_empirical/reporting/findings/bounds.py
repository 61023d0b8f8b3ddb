"""Findings on the bounds: did they hold, do they exclude anything, and how do the two constants compare."""

import math
from typing import Final

from natrob_empirical.display.formatting import format_budget, format_number, join_words
from natrob_empirical.records import BoundCheckSummary
from natrob_empirical.reporting.finding import Finding, count_of
from natrob_empirical.reporting.record_groups import ModelRuns, Section

_ROUNDING: Final = 1e-6  # relative; the records round bounds outward, measured growth is float arithmetic


def bound_held(section: Section) -> Finding | None:
    """In how many comparisons the bounds from upper constants held, and the worst measured/bound ratio."""
    checks = [(model.label, check) for model, check in _checks(section) if check.kind == "upper"]
    if not checks:
        return None
    comparisons = sum(check.comparisons for _, check in checks)
    violations = sum(check.violations for _, check in checks)
    kept = f"{comparisons - violations:,} of {comparisons:,} comparisons"
    text = f"The bounds on the growth of a perturbation held in {kept} (pair × step, over {_distinct_models(checks)})."
    summary = f"{kept} within the bound"
    ratios = [
        (check.worst_ratio, label, check.constant) for label, check in checks if not math.isnan(check.worst_ratio)
    ]
    if ratios:
        ratio, label, constant = max(ratios)
        shown = format_number(ratio, kind="upper")
        text += (
            f" The largest measured/bound ratio was {shown} ({label}, constant: {constant}); 1 would be a tight bound."
        )
    if violations:
        broken = sorted({label for label, check in checks if check.violations})
        text = f"BUG: {violations:,} comparisons exceed a proved bound ({join_words(broken)}). {text}"
        return Finding(name="bound-held", text=text, summary=summary, level="alarm", verdict="does not hold")
    return Finding(name="bound-held", text=text, summary=summary, verdict="holds" if comparisons else "not tested here")


def estimated_bounds(section: Section) -> Finding | None:
    """Sums up the checks against bounds from estimated constants; a violation there refutes the constant only."""
    checks = [(model.label, check) for model, check in _checks(section) if check.kind == "estimate"]
    if not checks:
        return None
    comparisons = sum(check.comparisons for _, check in checks)
    violations = sum(check.violations for _, check in checks)
    text = f"Bounds computed from estimated constants were exceeded in {violations:,} of {comparisons:,} comparisons."
    if violations:
        text += " That refutes those constants (a sampled K is a lower bound of the true one), not the theorem."
    return Finding(name="estimated-bounds", text=text)


def contradictions(section: Section) -> Finding | None:
    """Pairs of numbers that cannot both be right: K from below above K from above, growth above its bound."""
    found: list[str] = []
    for model in section.models:
        for seed, theory in model.theory.items():
            pairs = {
                "the lower bound of K is above the upper bound": (
                    theory.field_lipschitz_lower.value,
                    theory.field_lipschitz_upper.value,
                ),
                "the measured growth is above its bound": (
                    theory.measured_growth_largest.value,
                    theory.growth_bound.value,
                ),
            }
            if theory.trunk_lipschitz_lower is not None:
                searched = (theory.trunk_lipschitz_lower.value, theory.growth_bound.value)
                pairs["the growth found by search is above its bound"] = searched
            for complaint, (low, high) in pairs.items():
                if low > high * (1 + _ROUNDING):
                    where = f"{model.label}, seed {seed}"
                    found.append(f"{where}: {complaint} ({format_number(low)} > {format_number(high)})")
    if not found:
        return None
    return Finding(name="contradictions", text=f"BUG: {'; '.join(found)}.", level="alarm")


def vacuity(section: Section) -> Finding | None:
    """For how many models the bound is vacuous at the smallest budget, and the range of the growth bounds."""
    with_theory = [model for model in section.models if model.theory]
    if not with_theory:
        return None
    counts: list[tuple[int, int]] = []
    sentences: list[str] = []
    for norm in section.norms:
        radius, verdicts = _at_smallest_budget(with_theory, norm)
        if verdicts:
            counts.append((sum(verdicts), len(verdicts)))
            vacuous = count_of(sum(verdicts), len(verdicts), "trained model")
            sentences.append(
                f"At the smallest budget, {format_budget(norm, radius)}, the bound is vacuous for {vacuous}."
            )
    sentences.append(_growth_range(with_theory))
    if not counts:
        return Finding(name="vacuity", text=" ".join(sentences), verdict="not tested here")
    vacuous, judged = sum(c[0] for c in counts), sum(c[1] for c in counts)
    verdict = "holds" if vacuous == 0 else "does not hold" if vacuous == judged else "undecided"
    return Finding(
        name="vacuity",
        text=" ".join(sentences),
        summary=f"vacuous in {vacuous} of {judged} cases (trained model × norm) at the smallest budget",
        verdict=verdict,
        level="caution" if vacuous else "result",
    )


def discrete_against_exponential(section: Section) -> Finding | None:
    """Is the discrete network's constant larger than the exponential exp(KT), as "h = 1 destroys the bound" needs?

    Proof that it never is for Euler's method: proofs/symbolic/large_steps_do_not_break_the_bound.py.
    """
    compared: list[tuple[ModelRuns, bool]] = []
    for model in section.models:
        growth, exponential = model.theory_number("growth_bound"), model.theory_number("exponential_bound")
        if model.step_size is not None and growth and exponential and math.isfinite(growth.mean):
            compared.append((model, growth.mean <= exponential.mean * (1 + _ROUNDING)))
    if not compared:
        return None
    smaller = sum(below for _, below in compared)
    text = "The growth bound of the discrete network is at most exp(KT), the bound of the exact flow, for "
    text += f"{count_of(smaller, len(compared), 'model')} with fixed steps."
    unit_steps = [
        (model, below)
        for model, below in compared
        if _runs_euler(model) and model.step_size is not None and model.step_size >= 1
    ]
    if not unit_steps:
        return Finding(name="discrete-exponential", text=text, verdict="not tested here")
    below = sum(flag for _, flag in unit_steps)
    text += f" Of those that run Euler's method with h of at least 1 it is so for {below} of {len(unit_steps)}."
    verdict = "does not hold" if below == len(unit_steps) else "holds" if below == 0 else "undecided"
    summary = f"Euler at h of at least 1, growth bound at most exp(KT) for {below} of {len(unit_steps)}"
    return Finding(name="discrete-exponential", text=text, summary=summary, verdict=verdict)


def _runs_euler(model: ModelRuns) -> bool:
    """Whether its steps are y + h·f(y): of a network that is named by its field the settings say so."""
    return model.network == "euler" or model.specification.get("method") == "euler"


def _checks(section: Section) -> list[tuple[ModelRuns, BoundCheckSummary]]:
    """Every bound check of the section with its model."""
    return [
        (model, check) for model in section.models for theory in model.theory.values() for check in theory.bound_checks
    ]


def _distinct_models(checks: list[tuple[str, BoundCheckSummary]]) -> str:
    """ "1 model" or "4 models"."""
    count = len({label for label, _ in checks})
    return f"{count} model{'' if count == 1 else 's'}"


def _at_smallest_budget(models: list[ModelRuns], norm: str) -> tuple[float, list[bool]]:
    """The smallest radius judged in this norm, and the verdict of every model and seed at that radius."""
    points = [point for model in models for theory in model.theory.values() for point in theory.vacuity]
    radii = [point.epsilon for point in points if point.norm == norm and point.epsilon > 0]
    if not radii:
        return 0.0, []
    smallest = min(radii)
    return smallest, [point.vacuous for point in points if point.norm == norm and point.epsilon == smallest]


def _growth_range(models: list[ModelRuns]) -> str:
    """The smallest and the largest growth bound in a sentence."""
    bounds = [(theory.growth_bound.value, model.label) for model in models for theory in model.theory.values()]
    (low, low_label), (high, high_label) = min(bounds), max(bounds)
    if low == high:
        return f"The growth bound of the trunk is {format_number(low, kind='upper')} (upper, all inputs)."
    return (
        "The growth bounds of the trunks (upper, all inputs) run from "
        f"{format_number(low, kind='upper')} ({low_label}) to {format_number(high, kind='upper')} ({high_label})."
    )
