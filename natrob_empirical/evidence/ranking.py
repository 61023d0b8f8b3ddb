"""Across the models of a run: does a quantity of the theory rank the accuracy that attacks leave? One value a model."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, final

from natrob_empirical.evidence.kept import attacks_at, strongest
from natrob_empirical.evidence.pairs import learned
from natrob_empirical.evidence.run import Model, Run
from natrob_empirical.statistics.rank_correlation import RankCorrelation, rank_correlation

FEWEST_MODELS: Final = 8


@final
@dataclass(frozen=True, kw_only=True)
class Ranking:
    """One quantity of the models against what the same attacks leave of the same images.

    Attributes:
        norm, epsilon: the budget: of those that all models met, the one at which the mean share kept is nearest to ½.
        images: the same for all.
        labels: of the models, in order.
        values, kept: the quantity and the share kept, one a model.
        correlation: Spearman's ρ with its permutation test; None where one of the two is constant.
    """

    norm: str
    epsilon: float
    images: int
    labels: tuple[str, ...]
    values: tuple[float, ...]
    kept: tuple[float, ...]
    correlation: RankCorrelation | None


def log_growth_bound(model: Model) -> float:
    """log₁₀ of the bound on how far a perturbation grows; NaN without one."""
    return math.nan if model.theory is None else math.log10(model.theory.growth_bound.value)


def ranking(run: Run, quantity: Callable[[Model], float] = log_growth_bound) -> Ranking | None:
    """Ranks the run's attacked models that have learned.

    None for under `FEWEST_MODELS`, or without a budget that all of them met.
    """
    models = [m for m in run.models if m.attacks and learned((m,)) and not math.isnan(quantity(m))]
    if len(models) < FEWEST_MODELS:
        return None
    found = [kept for norm, epsilon in run.radii() if (kept := _kept(models, norm, epsilon)) is not None]
    if not found:
        return None
    norm, epsilon, images, shares = min(found, key=lambda each: abs(sum(each[3]) / len(each[3]) - 0.5))
    values = tuple(map(quantity, models))
    return Ranking(
        norm=norm,
        epsilon=epsilon,
        images=images,
        labels=tuple(model.label for model in models),
        values=values,
        kept=shares,
        correlation=rank_correlation(values, shares),
    )


def _kept(models: list[Model], norm: str, epsilon: float) -> tuple[str, float, int, tuple[float, ...]] | None:
    """(norm, ε, images, share a model) under the attacks that all models met; None without one."""
    common = set.intersection(*({*attacks_at(model, norm, epsilon)} for model in models))
    found = [strongest(model, norm, epsilon, attacks=common) for model in models] if common else []
    kept = [each for each in found if each is not None and each.outcomes]
    if not kept or len(kept) < len(models):
        return None
    n = min(each.n for each in kept)
    return norm, epsilon, n, tuple(each.first_images(n).share for each in kept)
