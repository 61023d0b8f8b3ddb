"""Findings that compare models: step size, Neural ODE against the rest, bound against accuracy."""

import math

from natrob_empirical.display.formatting import format_number, format_sample_size, format_share, join_words
from natrob_empirical.reporting.finding import Finding, Verdict
from natrob_empirical.reporting.record_groups import ModelRuns, Section, SeedSummary
from natrob_empirical.reporting.reference_attack import (
    accuracy_at,
    compare_accuracies,
    describe,
    describe_accuracy,
    reference_attack,
)
from natrob_empirical.statistics.rank_correlation import FEW_MODELS, RankCorrelation, rank_correlation


def step_size(section: Section) -> Finding | None:
    """Whether models of one network class that differ in step size differ in accuracy accordingly."""
    groups: dict[tuple[str, str], list[tuple[float, ModelRuns, SeedSummary]]] = {}
    reference = reference_attack(section)
    for model in section.models:
        accuracy = accuracy_at(model, reference)
        if accuracy is not None and model.step_size is not None:
            groups.setdefault((model.network, model.training), []).append((model.step_size, model, accuracy))
    judged = [_judge_steps(group) for group in groups.values() if len({size for size, _, _ in group}) > 1]
    if reference is None or not judged:
        return None
    verdicts: set[Verdict] = {judgement.verdict for judgement in judged}
    verdict: Verdict = verdicts.pop() if len(verdicts) == 1 else "undecided"
    sentences = " ".join(judgement.text for judgement in judged)
    summary = "smallest minus largest step: " + "; ".join(judgement.summary for judgement in judged)
    text = f"Step size and accuracy under {describe(reference)}: {sentences}"
    return Finding(name="step-size", text=text, summary=summary, verdict=verdict)


def neural_ode(section: Section) -> Finding | None:
    """The most accurate Neural ODE against the most accurate other network, under the reference attack."""
    reference = reference_attack(section)
    found = [(model, accuracy) for model in section.models if (accuracy := accuracy_at(model, reference)) is not None]
    odes = [entry for entry in found if "neuralode" in entry[0].network.lower().replace(" ", "").replace("_", "")]
    others = [entry for entry in found if entry not in odes]
    if reference is None or not odes or not others:
        return None
    (ode, ode_accuracy), (other, other_accuracy) = (
        max(group, key=lambda entry: entry[1].mean) for group in (odes, others)
    )
    comparison = compare_accuracies(ode_accuracy, other_accuracy)
    text = f"Under {describe(reference)} the most accurate Neural ODE ({ode.label}) keeps "
    text += f"{describe_accuracy(ode_accuracy)}, "
    text += f"the most accurate other network ({other.label}) {describe_accuracy(other_accuracy)}: "
    text += f"a difference of {comparison.text} (95 %). "
    if not comparison.decided:
        verdict: Verdict = "undecided"
        text += "That is within sampling error: no advantage is shown."
    elif comparison.difference > 0:
        verdict = "holds"
        text += (
            "The Neural ODE is ahead under this attack; that alone does not separate robustness from masked gradients."
        )
    else:
        verdict = "does not hold"
        text += "The Neural ODE is behind."
    return Finding(
        name="neural-ode", text=text, summary=f"best Neural ODE minus best other: {comparison.text}", verdict=verdict
    )


def bound_and_accuracy(section: Section) -> Finding | None:
    """Whether the quantity that the theorem bounds ranks the models as their accuracy under attack does."""
    reference = reference_attack(section)
    results = growth_correlations(section)
    if reference is None or not results:
        return None
    sentences = [describe_correlation(name, correlation) for name, correlation in results.items()]
    count = max((correlation.n for correlation in results.values() if correlation), default=0)
    if 0 < count < FEW_MODELS:
        sentences.append(f"A correlation over {count} models says little.")
    text = f"Growth against accuracy under {describe(reference)}: {' '.join(sentences)}"
    summary = "; ".join(
        f"{name}: ρ = {format_number(result.rho, digits=2)}, n = {result.n} models, "
        f"p = {format_number(result.p_value, digits=2)}"
        for name, result in results.items()
        if result is not None
    )
    verdict = _correlation_verdict(results["growth bound"])
    return Finding(name="bound-accuracy", text=text, summary=summary, verdict=verdict)


def growth_correlations(section: Section) -> dict[str, RankCorrelation | None]:
    """ρ of the growth bound and of the largest measured growth with the accuracy; empty without a common model."""
    points = growth_points(section, "growth_bound")
    measured = growth_points(section, "measured_growth_largest")
    if not points:
        return {}
    return {
        "growth bound": rank_correlation([x for _, x, _ in points], [y for _, _, y in points]),
        "measured growth": rank_correlation([x for _, x, _ in measured], [y for _, _, y in measured]),
    }


def growth_points(section: Section, field: str) -> list[tuple[ModelRuns, float, float]]:
    """Per model with both: the mean over seeds of log10 of a growth, and of the reference accuracy."""
    reference = reference_attack(section)
    points: list[tuple[ModelRuns, float, float]] = []
    for model in section.models:
        accuracy, growth = accuracy_at(model, reference), model.theory_number(field)
        if accuracy is not None and growth is not None:
            logarithms = [math.log10(value) if value > 0 else -math.inf for value in growth.values]
            points.append((model, sum(logarithms) / len(logarithms), accuracy.mean))
    return points


def describe_correlation(name: str, correlation: RankCorrelation | None) -> str:
    """One sentence with ρ, n, the permutation interval and what it supports."""
    if correlation is None:
        return f"For the {name} there is no rank correlation: under 3 models, or all alike."
    limit = format_number(correlation.limit, digits=2)
    text = f"For the {name} Spearman's ρ = {format_number(correlation.rho, digits=2)} (n = {correlation.n} models; "
    text += (
        f"random pairing stays within ±{limit} in 95 % of cases, p = {format_number(correlation.p_value, digits=2)}): "
    )
    if _correlation_verdict(correlation) == "holds":
        return text + "models that let perturbations grow more are less accurate; an association, not a cause."
    if correlation.p_value <= 0.05:
        return text + "models that let perturbations grow more are MORE accurate, against what the bound suggests."
    return text + "no association is shown."


def _correlation_verdict(correlation: RankCorrelation | None) -> Verdict:
    """Holds for a significant negative ρ, not for a significant positive one."""
    if correlation is None:
        return "not tested here"
    if correlation.p_value > 0.05:
        return "undecided"
    return "holds" if correlation.rho < 0 else "does not hold"


def _judge_steps(group: list[tuple[float, ModelRuns, SeedSummary]]) -> Finding:
    """One network class: the accuracies by step size, and the smallest step against the largest."""
    ordered = sorted(group, key=lambda entry: (entry[0], entry[1].label))
    (_, first, small), (_, _, large) = ordered[0], ordered[-1]
    comparison = compare_accuracies(small, large)
    listed = join_words(
        [f"{format_share(accuracy.mean, kind='upper')} at h = {format_number(size)}" for size, _, accuracy in ordered]
    )
    text = f"{first.network} ({small.kind}, {format_sample_size(small.counts)}): {listed}; smallest minus largest step "
    text += f"{comparison.text} (95 %), "
    if not comparison.decided:
        text += "within sampling error, so the step size does not explain accuracy here."
        verdict: Verdict = "undecided"
    elif comparison.difference > 0:
        text += "so the smaller step is the more accurate one."
        verdict = "holds"
    else:
        text += "so the smaller step is the LESS accurate one."
        verdict = "does not hold"
    times = {round(theory.total_time, 9) for _, model, _ in ordered for theory in model.theory.values()}
    if len(times) > 1:
        text += " (T differs between them too, so the step size is not all that changes.)"
    return Finding(name="step-size", text=text, summary=f"{first.network} {comparison.text}", verdict=verdict)
