"""The one attack and budget at which models are compared with each other, and how sure a difference is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from natrob_empirical.display.formatting import format_budget, format_kind, format_number, format_share
from natrob_empirical.reporting.record_groups import AttackBudget, ModelRuns, Section, SeedSummary
from natrob_empirical.statistics.share_intervals import agresti_caffo


@final
@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two accuracies compared.

    Attributes:
        difference: first minus second.
        tolerance: half-width of the 95 % interval of the difference.
    """

    difference: float
    tolerance: float

    @property
    def decided(self) -> bool:
        """Whether the difference is larger than sampling alone would make it."""
        return abs(self.difference) > self.tolerance

    @property
    def text(self) -> str:
        """The difference in words: "0.05 ± 0.07"."""
        return f"{format_number(self.difference, digits=2)} ± {format_number(self.tolerance, kind='upper', digits=2)}"


def reference_attack(section: Section) -> AttackBudget | None:
    """The strongest attack of the section at its middle budget, or None without attack records.

    The norm is the one with the most attack cells (L∞ on a tie), the budget the middle one of those above 0 (the
    lower of two middle ones), the attack the one with the lowest mean accuracy. In an interrupted run, attacks on no
    more than half of the models drop out, and the others are compared on the models that all of them were run on.
    """
    budgets = [budget for budget in section.budgets if budget.epsilon > 0]
    if not budgets:
        return None
    norm = max(section.norms, key=lambda norm: sum(budget.norm == norm for budget in budgets))
    radii = sorted({budget.epsilon for budget in budgets if budget.norm == norm})
    middle = radii[(len(radii) - 1) // 2]
    candidates = [budget for budget in budgets if budget.norm == norm and budget.epsilon == middle]
    found = {budget: [m for m in section.models if m.accuracy(budget) is not None] for budget in candidates}
    most = max(len(models) for models in found.values())
    candidates = [budget for budget in candidates if 2 * len(found[budget]) > most]
    common = [model for model in section.models if all(model in found[budget] for budget in candidates)]
    images = _common_images(common, candidates)
    return min(candidates, key=lambda budget: (_mean_accuracy(common or found[budget], budget, images), budget.order))


def accuracy_at(model: ModelRuns, budget: AttackBudget | None) -> SeedSummary | None:
    """The model's accuracy at the reference, or None where there is no such cell."""
    return None if budget is None else model.accuracy(budget)


def describe(budget: AttackBudget) -> str:
    """The attack with its budget: "PGD-20 at L∞ ε = 0.1"."""
    return f"{budget.attack} at {format_budget(budget.norm, budget.epsilon)}"


def describe_accuracy(summary: SeedSummary) -> str:
    """An accuracy as running text has it: "0.412 (upper, n = 360)"."""
    mean = format_share(summary.mean, kind=summary.kind)
    seeds = f", mean of {len(summary.values)} seeds" if len(summary.values) > 1 else ""
    return f"{mean} ({format_kind(summary.kind, summary.counts)}{seeds})"


def compare_accuracies(first: SeedSummary, second: SeedSummary) -> Comparison:
    """The difference of two accuracies with Agresti and Caffo's 95 % half-width.

    Seeds share their test images, so n is that of one seed; that the two models share them as well is ignored.
    """
    counts = [[count for count in summary.counts if count is not None] for summary in (first, second)]
    difference, tolerance = first.mean - second.mean, math.inf
    if all(counts):
        low, high = agresti_caffo(first.mean, min(counts[0]), second.mean, min(counts[1]))
        tolerance = (high - low) / 2
    return Comparison(difference=difference, tolerance=tolerance)


def _common_images(models: Sequence[ModelRuns], budgets: Sequence[AttackBudget]) -> int:
    """How many images every attack was run on, counted by their outcomes; 0 if some are not there."""
    lengths = {
        len(result.outcomes) for model in models for budget in budgets for result in model.attacks[budget].values()
    }
    return min(lengths, default=0)


def _mean_accuracy(models: Sequence[ModelRuns], budget: AttackBudget, images: int) -> float:
    """The mean over the models of the accuracy under one attack, on the first so many images if any are named."""
    if images:
        shares = [
            result.outcomes[:images].count("k") / images
            for model in models
            for result in model.attacks.get(budget, {}).values()
        ]
        return math.fsum(shares) / len(shares)
    found = [summary.mean for model in models if (summary := model.accuracy(budget)) is not None]
    return math.fsum(found) / len(found)
