"""Two models of a run compared on the same images, budget by budget, and what the budgets say together."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final

from natrob_empirical.display.formatting import format_budget
from natrob_empirical.evidence.kept import KeptImages, attacks_at, kept_under, strongest
from natrob_empirical.evidence.run import AttackBudget, Model, Run
from natrob_empirical.statistics.p_values import SIGNIFICANCE, holm_adjusted
from natrob_empirical.statistics.paired_comparison import PairedComparison, compare_kept, compare_shares

TOGETHER: Final = "all attacks together"
Outcome: TypeAlias = Literal["ahead", "behind", "undecided"]


@final
@dataclass(frozen=True, kw_only=True)
class BudgetComparison:
    """Two models under one attack, or all together, at one budget.

    Attributes:
        attack: the label, or `TOGETHER`.
        norm, epsilon: the budget.
        first, second: what each keeps, of the images that both were attacked on.
        comparison: of the two.
        adjusted: its p-value by Holm's method over the comparisons made together.
    """

    attack: str
    norm: str
    epsilon: float
    first: KeptImages
    second: KeptImages
    comparison: PairedComparison
    adjusted: float

    @property
    def direction(self) -> int:
        """1 if the first keeps more beyond chance, −1 if the second does, else 0."""
        if self.adjusted > SIGNIFICANCE or self.comparison.difference == 0:
            return 0
        return 1 if self.comparison.difference > 0 else -1

    @property
    def place(self) -> str:
        """ "all attacks together at L∞ ε = 0.1"."""
        return f"{self.attack} at {format_budget(self.norm, self.epsilon)}"


def compare_under(
    run: Run, first: Model, second: Model, attack: str, *, second_attack: str = ""
) -> list[BudgetComparison]:
    """Both under one attack at every budget above 0 where both met it, adjusted over these budgets.

    Args:
        run: of both models.
        first, second: the models.
        attack: the label of the attack on the first, and on the second too unless `second_attack` names another.
        second_attack: such as the images that each was shown of the other.
    """
    places = run.radii(attack)
    labels = ((first, attack), (second, second_attack or attack))
    kept = [
        [kept_under(model, AttackBudget(attack=label, norm=n, epsilon=e)) for n, e in places] for model, label in labels
    ]
    return compare_all(kept[0], kept[1], places, attack)


def compare_together(
    run: Run, first: Model, second: Model, *, only: Collection[str] | None = None, enough: int = 1
) -> list[BudgetComparison]:
    """Both under all attacks that both met, image by image, at every budget above 0.

    An attack that only one of two models met would lower that one's bound alone; it is left out. Images made on
    another model count as one attack whichever model they were made on.

    Args:
        run: of both models.
        first, second: the models.
        only: the attacks' labels; None for all.
        enough: images; where an attack saw so many, those that saw fewer are left out at this budget, which they would
            shorten.
    """
    kept: list[list[KeptImages | None]] = [[], []]
    for norm, epsilon in run.radii():
        met = [{_role(run, label, model): label for label in attacks_at(model, norm, epsilon)
                if only is None or label in only} for model in (first, second)]  # fmt: skip
        common = [{labels[role] for role in met[0].keys() & met[1].keys()} for labels in met]
        results = [attacks_at(model, norm, epsilon) for model in (first, second)]
        seen = [max((r.accuracy.n or 0 for a, r in found.items() if a in own), default=0)
                for found, own in zip(results, common, strict=True)]  # fmt: skip
        fewest = max(1, min(enough, *seen))
        for side, model, labels in zip(kept, (first, second), common, strict=True):
            side.append(strongest(model, norm, epsilon, attacks=labels, fewest=fewest))
    return compare_all(kept[0], kept[1], run.radii(), TOGETHER)


def _role(run: Run, label: str, model: Model) -> str:
    """The attack's label; of transferred images, the attack that made them."""
    source = run.source_of(label)
    named = run.attack_of(label)
    return label if source in {None, model.name} or named is None else f"{named.label} from another model"


def compare_all(
    first: Sequence[KeptImages | None],
    second: Sequence[KeptImages | None],
    places: Sequence[tuple[str, float]],
    attack: str,
) -> list[BudgetComparison]:
    """Every budget with a fair comparison, adjusted over these.

    Args:
        first, second: what each side keeps, a budget; None where it is not known.
        places: (norm, ε), as many.
        attack: what to call the comparison.
    """
    found: list[tuple[str, float, KeptImages, KeptImages, PairedComparison]] = []
    for (norm, epsilon), one, other in zip(places, first, second, strict=True):
        compared = None if one is None or other is None else compare_images(one, other)
        if one is not None and other is not None and compared is not None:
            kept = [each.first_images(compared.n) if compared.paired else each for each in (one, other)]
            found.append((norm, epsilon, kept[0], kept[1], compared))
    adjusted = holm_adjusted([compared.p_value for *_, compared in found])
    return [
        BudgetComparison(
            attack=attack, norm=norm, epsilon=epsilon, first=one, second=other, comparison=compared, adjusted=p_value
        )
        for (norm, epsilon, one, other, compared), p_value in zip(found, adjusted, strict=True)
    ]


def compare_images(first: KeptImages, second: KeptImages) -> PairedComparison | None:
    """Image by image where both outcomes are there, as two samples of one size where not; None for two sizes."""
    if first.outcomes and second.outcomes:
        return compare_kept(first.outcomes, second.outcomes)
    return compare_shares(first.share, second.share, first.n) if first.n == second.n else None


def outcome_of(comparisons: Iterable[BudgetComparison]) -> Outcome:
    """Says whether the first keeps more somewhere and nowhere less, the reverse, or neither."""
    directions = {comparison.direction for comparison in comparisons}
    if 1 in directions and -1 not in directions:
        return "ahead"
    return "behind" if -1 in directions and 1 not in directions else "undecided"


def most_telling(comparisons: Sequence[BudgetComparison]) -> BudgetComparison:
    """The comparison that says most: two accuracies of 0, or of 1, say nothing and come last.

    Of the others the one with the smallest p-value, then the largest difference, then the smallest radius.
    """
    return min(
        comparisons,
        key=lambda found: (
            {found.first.share, found.second.share} in ({0.0}, {1.0}),
            found.adjusted,
            -abs(found.comparison.difference),
            found.epsilon,
        ),
    )


def same_size_pairs(run: Run) -> list[tuple[Model, Model]]:
    """Pairs every plainly trained Neural ODE with every plainly trained other network of as many parameters (± 5 %)."""
    odes = [model for model in run.models if model.is_neural_ode and model.plain]
    others = [model for model in run.models if not model.is_neural_ode and model.plain]
    return [(ode, other) for ode in odes for other in others if _alike(ode.parameters, other.parameters)]


def _alike(first: int | None, second: int | None) -> bool:
    if first is None or second is None:
        return False
    return abs(first - second) <= 0.05 * max(first, second)
