"""Signs that an accuracy under attack is the attack's failure, told from records, each with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

from natrob_empirical.display.formatting import format_share
from natrob_empirical.evidence.ceilings import above_ceiling
from natrob_empirical.evidence.kept import KeptImages, attacks_at, kept_under, strongest
from natrob_empirical.evidence.run import AttackBudget, Model, Run
from natrob_empirical.records import AttackResult
from natrob_empirical.statistics.p_values import SIGNIFICANCE, holm_adjusted
from natrob_empirical.statistics.paired_comparison import compare_kept

FAR_FROM_STRONGEST: Final = "far from the strongest"
ABOVE_CEILING: Final = "above the ceiling"
FEW_STEPS: Final = 50
LARGE_GAP: Final = 0.1
"""A share of images; one in ten that one attack calls robust and another fools."""


@final
@dataclass(frozen=True, kw_only=True)
class ReliabilityFlag:
    """One sign of masking.

    Attributes:
        name: a few words, such as "one step stronger".
        model: its label.
        attack: whose accuracy must not be read as robustness.
        norm, epsilon: the budget at which it is clearest.
        reason: one sentence with the numbers.
    """

    name: str
    model: str
    attack: str
    norm: str
    epsilon: float
    reason: str


def reliability_flags(run: Run, model: Model) -> tuple[ReliabilityFlag, ...]:
    """Every flag of one model, each attack's clearest budget once per kind of sign.

    Comparisons of two attacks are exact paired tests image by image (McNemar), adjusted by Holm's method over the
    budgets, as in `masking.diagnose`: one image more or less raises no flag.
    """
    return (*_beaten(run, model), *_above_ceiling(run, model), *_unused_budget(run, model))


def flags_of(run: Run, model: Model, norm: str, epsilon: float, kept: KeptImages) -> tuple[ReliabilityFlag, ...]:
    """The flags that concern one number: of the attacks that alone leave as little, or that all of them are weak.

    A weak attack beside a strong one does no harm to what both leave together.
    """
    places = {label: AttackBudget(attack=label, norm=norm, epsilon=epsilon) for label in kept.attacks}
    alone = {label: kept_under(model, place) for label, place in places.items()}
    deciding = [
        label
        for label, own in alone.items()
        if own is not None and (not own.outcomes or own.first_images(kept.n).share <= kept.share)
    ]
    found = tuple(flag for flag in reliability_flags(run, model) if flag.attack in deciding)
    if kept.share == 0 or not all(_weak(run, label) for label in kept.attacks):  # nothing leaves less than nothing
        return found
    reason = f"no attack of {FEW_STEPS} steps or more, and no AutoAttack, was run here: the truth may be lower"
    names = ", ".join(kept.attacks)
    weak = ReliabilityFlag(
        name="our attacks were weak", model=model.label, attack=names, norm=norm, epsilon=epsilon, reason=reason
    )
    return (*found, weak)


def _weak(run: Run, attack: str) -> bool:
    """Whether it is made on another model, asks the model nothing, or takes few steps of one size."""
    steps = run.fixed_steps_of(attack)
    return run.source_of(attack) is not None or run.kind_of(attack) == "corruption" or (steps or FEW_STEPS) < FEW_STEPS


def _beaten(run: Run, model: Model) -> list[ReliabilityFlag]:
    """Gradient attacks on the model itself that leave what a weaker idea, or all attacks together, fool."""
    flags = []
    for attack in dict.fromkeys(budget.attack for budget in model.attacks):
        if run.kind_of(attack) not in {"gradient", "ensemble"} or run.source_of(attack) is not None:
            continue
        steps = run.fixed_steps_of(attack)
        if steps == 1:
            rivals = []
        else:
            one = [label for label in _labels(model) if run.fixed_steps_of(label) == 1 and run.source_of(label) is None]
            moved = [label for label in _labels(model) if run.source_of(label) not in {None, model.name}]
            blind = [label for label in _labels(model) if run.kind_of(label) in {"corruption", "score", "decision"}]
            rivals = [
                ("one step is stronger", one),
                ("transfer is stronger", moved),
                ("no gradient is stronger", blind),
            ]
        for name, labels in rivals:
            if found := _clearest(model, attack, labels, 0.0):
                flags.append(_flag(name, model, attack, *found))
        if found := _clearest(model, attack, _labels(model), LARGE_GAP):
            flags.append(_flag(FAR_FROM_STRONGEST, model, attack, *found))
    return flags


def _labels(model: Model) -> list[str]:
    return list(dict.fromkeys(budget.attack for budget in model.attacks))


def _clearest(
    model: Model, attack: str, rivals: Sequence[str], least: float
) -> tuple[str, float, float, float, int] | None:
    """(norm, ε, left by the attack, left by the rivals, n) where it is clearest; None where chance explains it."""
    tested = []
    for budget, result in model.attacks.items():
        if budget.attack != attack or not result.outcomes:
            continue
        own = kept_under(model, budget)
        others = [label for label in attacks_at(model, budget.norm, budget.epsilon) if label in rivals]
        together = strongest(model, budget.norm, budget.epsilon, attacks=others) if others else None
        if own and together and together.outcomes:
            tested.append((budget, compare_kept(own.outcomes, together.outcomes)))
    adjusted = holm_adjusted([compared.p_value for _, compared in tested])
    found = [
        (p_value, -compared.difference, budget.norm, budget.epsilon, compared)
        for (budget, compared), p_value in zip(tested, adjusted, strict=True)
        if p_value <= SIGNIFICANCE and compared.difference > least
    ]
    if not found:
        return None
    _, _, norm, epsilon, compared = min(found, key=lambda each: each[:4])
    return norm, epsilon, compared.first, compared.second, compared.n


def _flag(
    name: str, model: Model, attack: str, norm: str, epsilon: float, left: float, rival: float, n: int
) -> ReliabilityFlag:
    reason = f"{attack} leaves {format_share(left, kind='upper')}, others leave {format_share(rival, kind='upper')} "
    reason += f"of the same {n:,} images"
    return ReliabilityFlag(name=name, model=model.label, attack=attack, norm=norm, epsilon=epsilon, reason=reason)


def _above_ceiling(run: Run, model: Model) -> list[ReliabilityFlag]:
    """Attacks that leave more than any classifier keeps: near images of two labels, at L∞ ε ≥ 0.5 the gray image."""
    found: dict[str, tuple[AttackBudget, AttackResult, float]] = {}
    for budget, result in model.attacks.items():
        if run.kind_of(budget.attack) == "corruption":  # noise claims nothing
            continue
        ceiling = above_ceiling(run, result, budget.norm, budget.epsilon)
        if ceiling is not None:
            found.setdefault(budget.attack, (budget, result, ceiling))
    return [
        ReliabilityFlag(
            name=ABOVE_CEILING,
            model=model.label,
            attack=attack,
            norm=budget.norm,
            epsilon=budget.epsilon,
            reason=f"{attack} leaves {format_share(result.accuracy.value, kind='upper')}, no classifier keeps more "
            f"than {format_share(ceiling)} of these images",
        )
        for attack, (budget, result, ceiling) in found.items()
    ]


def _unused_budget(run: Run, model: Model) -> list[ReliabilityFlag]:
    """Gradient attacks that left some accuracy and moved no image to the edge of its ball."""
    found: dict[str, tuple[float, AttackBudget]] = {}
    for budget, result in model.attacks.items():
        inside = result.median_distance is None and budget.epsilon > 0 and result.accuracy.value > 0
        if run.kind_of(budget.attack) == "gradient" and inside:
            used = result.largest_distance / budget.epsilon
            if used < 0.99:
                found[budget.attack] = min(found.get(budget.attack, (used, budget)), (used, budget), key=lambda e: e[0])
    return [
        ReliabilityFlag(
            name="budget not used",
            model=model.label,
            attack=attack,
            norm=budget.norm,
            epsilon=budget.epsilon,
            reason=f"{attack} moved no image further than {100 * used:.0f} % of its budget",
        )
        for attack, (used, budget) in found.items()
    ]
