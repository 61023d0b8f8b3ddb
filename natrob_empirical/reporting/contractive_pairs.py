"""Networks whose trunk cannot expand a perturbation, each paired with the plain networks and with the best control."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from statistics import fmean
from typing import Final, final

from natrob_empirical.records import TheoryResult
from natrob_empirical.reporting.finding import Verdict
from natrob_empirical.reporting.image_bounds import attacks_in, best_radii, smallest_distances
from natrob_empirical.reporting.model_pairs import (
    BudgetComparison,
    common_seed,
    compare_all,
    compare_common,
    compare_under,
    judge_directions,
    radii_of,
)
from natrob_empirical.reporting.record_groups import AttackBudget, ModelRuns, Section
from natrob_empirical.reporting.strongest_attack import KeptImages

NO_GROWTH: Final = 1 + 1e-3
"""A trunk with at most this growth bound is contractive: the rest is what the constraint and rounding leave over."""
PLAIN_NETWORKS: Final = ("euler", "neural_ode")
PLAIN_TRAININGS: Final = ("standard", "plain")
CERTIFIED_AGAINST_ATTACKED: Final = "certified against attacked"


@final
@dataclass(frozen=True, kw_only=True)
class ContractivePair:
    """A contractive network and one that is not.

    Attributes:
        first: the contractive one.
        second: the other.
        control: whether its training held constants down.
        compared: both under AutoAttack where both met it, else under all attacks that both met, radius by radius.
        proved: the radii at which more images of the first are certified than any attack left of the second: there the
            first is truly more robust on these images, whatever the attack.
        refuted: the same the other way round; a difference above 0 is one of the second.
    """

    first: ModelRuns
    second: ModelRuns
    control: bool
    compared: tuple[BudgetComparison, ...]
    proved: tuple[BudgetComparison, ...]
    refuted: tuple[BudgetComparison, ...]

    @property
    def verdict(self) -> Verdict:
        """Judges that the first keeps more, at some radius beyond the choice of images, and nowhere less."""
        directions = {each.direction for each in (*self.compared, *self.proved)}
        return judge_directions(directions | {-each.direction for each in self.refuted})


def contractive_models(section: Section) -> list[ModelRuns]:
    """The models whose growth is bounded by 1 in every seed by their structure, not by steps too small to matter."""
    return [model for model in section.models if model.theory and all(map(_contractive, model.theory.values()))]


def contractive_pairs(section: Section) -> tuple[ContractivePair, ...]:
    """Each with the plain ResNet, the plain Neural ODE and the best of the controls, as far as there are any."""
    own = contractive_models(section)
    others = [model for model in section.models if model not in own and model.attacks]
    plain = [rival for network in PLAIN_NETWORKS if (rival := _plain(others, network)) is not None]
    controls = [model for model in others if model.training not in PLAIN_TRAININGS]
    best = max(controls, key=lambda model: _kept_on_average(model, _met_by_all(controls)), default=None)
    rivals = [(rival, False) for rival in plain] + ([] if best is None else [(best, True)])
    pairs = (_pair(section, model, rival, control) for model in own for rival, control in rivals)
    return tuple(pair for pair in pairs if pair.compared or pair.proved or pair.refuted)


def _contractive(theory: TheoryResult) -> bool:
    """Whether the growth bound is 1 where steps of that size could make it more."""
    bound = theory.growth_bound
    return bound.kind == "upper" and bound.value <= NO_GROWTH and theory.exponential_bound.value > NO_GROWTH**2


def _plain(models: Sequence[ModelRuns], network: str) -> ModelRuns | None:
    """The plainly trained network of this class, of several the one with the largest step: h = 1 is the ResNet."""
    found = [model for model in models if model.network == network and model.training in PLAIN_TRAININGS]
    return max(found, key=lambda model: model.step_size or 0.0, default=None)


def _met_by_all(models: Sequence[ModelRuns]) -> set[AttackBudget]:
    """The attacks and budgets above 0 that every model met."""
    return {budget for budget in models[0].attacks if budget.epsilon > 0 and all(budget in m.attacks for m in models)}


def _kept_on_average(model: ModelRuns, budgets: Set[AttackBudget]) -> float:
    """The mean accuracy under these attacks, over seeds too."""
    kept = [result.accuracy.value for budget in budgets for result in model.attacks[budget].values()]
    return fmean(kept) if kept else 0.0


def _pair(section: Section, first: ModelRuns, second: ModelRuns, control: bool) -> ContractivePair:
    """Every comparison of the two."""
    autoattack = next((label for label in section.attacks if section.kind_of(label) == "ensemble"), None)
    compared = [] if autoattack is None else compare_under(section, first, second, autoattack)
    return ContractivePair(
        first=first,
        second=second,
        control=control,
        compared=tuple(compared or compare_common(section, first, second)),
        proved=_certified_above_attacked(section, first, second),
        refuted=_certified_above_attacked(section, second, first),
    )


def _certified_above_attacked(section: Section, first: ModelRuns, second: ModelRuns) -> tuple[BudgetComparison, ...]:
    """The radii at which the first's lower bound exceeds the second's upper bound, on the images that have both."""
    seed, radii = common_seed(first, second), radii_of(section)
    if seed is None or seed not in first.theory:
        return ()
    compared = compare_all(
        [_certified(first, seed, *place) for place in radii],
        [_attacked(second, seed, *place) for place in radii],
        radii,
        CERTIFIED_AGAINST_ATTACKED,
    )
    return tuple(each for each in compared if each.comparison.difference > 0)


def _certified(model: ModelRuns, seed: int, norm: str, epsilon: float) -> KeptImages | None:
    """The images that a certificate keeps; None without one."""
    radii = best_radii(model.theory[seed], norm)
    return _images("".join("k" if 0 < radius >= epsilon else "f" for radius in radii), "certificate")


def _attacked(model: ModelRuns, seed: int, norm: str, epsilon: float) -> KeptImages | None:
    """The images of which no attack in this norm found a misclassified one within the radius, of all it saw."""
    attacks = attacks_in(model, seed, norm)
    n = max((len(result.outcomes) for _, _, result in attacks), default=0)
    distances = smallest_distances(attacks, n)
    return _images("".join("k" if distance > epsilon else "f" for distance in distances), "all attacks")


def _images(outcomes: str, source: str) -> KeptImages | None:
    """None without images."""
    if not outcomes:
        return None
    return KeptImages(
        share=outcomes.count("k") / len(outcomes), n=len(outcomes), outcomes=outcomes, attacks=(source,)
    )  # fmt: skip
