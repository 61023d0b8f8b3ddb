"""Across models: is the accuracy that attacks leave ranked by what the theory bounds? One value a model."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Final, final

from natrob_empirical.records import OUTCOME_LETTERS
from natrob_empirical.reporting.record_groups import AttackBudget, ModelRuns, Section
from natrob_empirical.reporting.reference_attack import reference_attack
from natrob_empirical.statistics.bootstrap import Interval, spearman
from natrob_empirical.statistics.p_values import SIGNIFICANCE, holm_adjusted
from natrob_empirical.statistics.rank_correlation import RankCorrelation, rank_correlation

FEWEST_MODELS: Final = 3


@final
@dataclass(frozen=True, kw_only=True)
class AcrossModels:
    """One quantity of the models against the accuracy that the same attacks leave on the same images.

    Attributes:
        quantity: in words.
        direction: 1 if the theory says that more of it leaves more accuracy, −1 if less.
        models: how many.
        correlation: Spearman's ρ with its permutation test; None where it does not exist.
        adjusted: its p-value, adjusted by Holm's method over the quantities tested together; 1 without a correlation.
        interval: its percentile bootstrap over models, wide for a handful.
    """

    quantity: str
    direction: int
    models: int
    correlation: RankCorrelation | None
    adjusted: float
    interval: Interval | None

    @property
    def decided(self) -> bool:
        """Whether both the interval and the permutation test, adjusted, leave chance out."""
        if self.correlation is None or self.interval is None:
            return False
        return self.adjusted <= SIGNIFICANCE and self.interval.excludes(0.0)


@final
@dataclass(frozen=True, kw_only=True)
class Judged:
    """The accuracy that models are compared by.

    Attributes:
        attacks: behind it: AutoAttack where every model met it, else every attack that all models met.
        norm, epsilon: the budget.
        images: the same for all.
        accuracy: model label → share kept.
    """

    attacks: tuple[str, ...]
    norm: str
    epsilon: float
    images: int
    accuracy: Mapping[str, float]


def judged_accuracy(section: Section) -> Judged | None:
    """Image by image at the section's reference budget, the first seed that all have; None for under three models."""
    reference = reference_attack(section)
    if reference is None or not section.seeds:
        return None
    models = [model for model in section.models if model.theory and _labels(model, reference, section.seeds[0])]
    if len(models) < FEWEST_MODELS:
        return None
    common = set.intersection(*(_labels(model, reference, section.seeds[0]) for model in models))
    strong = {label for label in common if section.kind_of(label) == "ensemble"}
    chosen = tuple(sorted(strong or common))
    if not chosen:
        return None
    letters = {model.label: _letters(model, chosen, reference, section.seeds[0]) for model in models}
    n = min(len(columns) for columns in letters.values())
    return Judged(
        attacks=chosen,
        norm=reference.norm,
        epsilon=reference.epsilon,
        images=n,
        accuracy={label: found[:n].count("k") / n for label, found in letters.items()},
    )


def across_models(section: Section, judged: Judged) -> tuple[AcrossModels, ...]:
    """Growth bound, feature constant, measured growth and median certified radius against the judged accuracy."""
    by_label = {model.label: model for model in section.models}
    models = [by_label[label] for label in judged.accuracy]
    seed = section.seeds[0]
    quantities: tuple[tuple[str, int, Callable[[ModelRuns], float]], ...] = (
        ("log growth bound", -1, lambda model: _log(model, seed, "growth_bound")),
        ("log Lipschitz bound of the features", -1, lambda model: _log(model, seed, "feature_lipschitz_upper")),
        ("log largest measured growth", -1, lambda model: _log(model, seed, "measured_growth_largest")),
        ("median normalised margin", 1, lambda model: _median_margin(model, seed)),
        ("median certified radius", 1, lambda model: _median_radius(model, seed, judged.norm)),
    )
    tested: list[tuple[str, int, list[float], list[float]]] = []
    for name, direction, value in quantities:
        pairs = [(value(model), judged.accuracy[model.label]) for model in models]
        pairs = [pair for pair in pairs if not math.isnan(pair[0])]
        if len(pairs) >= FEWEST_MODELS:
            tested.append((name, direction, [x for x, _ in pairs], [y for _, y in pairs]))
    correlations = [rank_correlation(first, second) for _, _, first, second in tested]
    adjusted = iter(holm_adjusted([found.p_value for found in correlations if found is not None]))
    return tuple(
        AcrossModels(
            quantity=name,
            direction=direction,
            models=len(first),
            correlation=correlation,
            adjusted=1.0 if correlation is None else next(adjusted),
            interval=spearman(first, second),
        )
        for (name, direction, first, second), correlation in zip(tested, correlations, strict=True)
    )


def _labels(model: ModelRuns, place: AttackBudget, seed: int) -> set[str]:
    """The attacks at this budget that tell what became of every image."""
    return {
        budget.attack
        for budget, by_seed in model.attacks.items()
        if (budget.norm, budget.epsilon) == (place.norm, place.epsilon) and seed in by_seed and by_seed[seed].outcomes
    }


def _letters(model: ModelRuns, attacks: tuple[str, ...], place: AttackBudget, seed: int) -> str:
    """The worst outcome of every image under several attacks."""
    columns = [
        model.attacks[AttackBudget(attack=label, norm=place.norm, epsilon=place.epsilon)][seed].outcomes
        for label in attacks
    ]
    return "".join(min(letters, key=OUTCOME_LETTERS.index) for letters in zip(*columns, strict=False))


def _log(model: ModelRuns, seed: int, field: str) -> float:
    """log10 of a number of the theory record; NaN without one."""
    if seed not in model.theory:
        return math.nan
    value = float(getattr(model.theory[seed], field).value)
    return math.log10(value) if value > 0 else -math.inf


def _median_margin(model: ModelRuns, seed: int) -> float:
    """Over all test images; NaN where the record has none."""
    theory = model.theory.get(seed)
    return math.nan if theory is None or theory.margins is None else median(theory.margins.normalised_values)


def _median_radius(model: ModelRuns, seed: int, norm: str) -> float:
    """The median of the global certificate over all test images; NaN without one."""
    theory = model.theory.get(seed)
    found = [each for each in (theory.certificates if theory else ()) if (each.method, each.norm) == ("global", norm)]
    return median(found[0].radius_values) if found and not found[0].refusal else math.nan
