"""Two models of a section compared under every attack both met, on the same images, with a verdict over the budgets."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Final, final

from natrob_empirical.display.formatting import format_budget, format_number, format_rounded, join_words
from natrob_empirical.reporting.finding import Verdict
from natrob_empirical.reporting.record_groups import AttackBudget, ModelRuns, Section
from natrob_empirical.reporting.strongest_attack import KeptImages, attacks_at, kept_under, strongest
from natrob_empirical.statistics.p_values import SIGNIFICANCE, holm_adjusted
from natrob_empirical.statistics.paired_comparison import PairedComparison, compare_kept, compare_shares

STRONGEST: Final = "all attacks, image by image"
"""The name of the best upper bound that the attacks on a model give together."""
COMMON: Final = "all attacks that both met, image by image"
"""Its name where attacks that only one of two models met are left out."""

_SMALLEST_P: Final = 1e-4


@final
@dataclass(frozen=True, kw_only=True)
class BudgetComparison:
    """Two models under one attack at one budget.

    Attributes:
        attack: the label, `STRONGEST` or `COMMON`.
        norm, epsilon: the budget.
        first, second: what each keeps, of the images that both were attacked on.
        comparison: of the two.
        adjusted: its p-value adjusted for the number of comparisons made together.
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
    def text(self) -> str:
        """ "at L∞ ε = 0.2: 0.41 [0.34, 0.48] against 0.30 [0.24, 0.37], difference 0.11 (0.05 to 0.17), p = 0.003"."""
        compared = self.comparison
        return (
            f"at {format_budget(self.norm, self.epsilon)}: {self.first.text} against {self.second.text}, "
            f"difference {difference_text(compared)}, {p_phrase(self.adjusted)}, n = {compared.n:,}"
        )


def common_seed(first: ModelRuns, second: ModelRuns) -> int | None:
    """The lowest seed under which both were attacked: seeds share their images, so that they are not pooled."""
    seeds = [{seed for by_seed in model.attacks.values() for seed in by_seed} for model in (first, second)]
    return min(seeds[0] & seeds[1], default=None)


def compare_under(
    section: Section,
    first: ModelRuns,
    second: ModelRuns,
    attack: str,
    *,
    second_attack: str | None = None,
    name: str = "",
) -> list[BudgetComparison]:
    """Both under one attack at every budget above 0 where both met it; adjusted over these budgets.

    Args:
        section: of both models.
        first, second: the models.
        attack: the label of the attack on the first, and on the second too unless `second_attack` names another.
        second_attack: such as the transferred images that each was shown of the other.
        name: what to call the pair of attacks; the label by default.
    """
    budgets = radii_of(section, attack)
    return compare_all(
        [_kept_under(first, attack, *budget, common_seed(first, second)) for budget in budgets],
        [_kept_under(second, second_attack or attack, *budget, common_seed(first, second)) for budget in budgets],
        budgets,
        name or attack,
    )


def compare_strongest(section: Section, first: ModelRuns, second: ModelRuns) -> list[BudgetComparison]:
    """Both under all attacks run on them together, at every budget above 0; adjusted over these budgets.

    For models that met the same attacks, each perhaps with images made on the other.
    """
    seed, budgets = common_seed(first, second), radii_of(section)
    if seed is None:
        return []
    found = [[strongest(model, *budget, seed) for budget in budgets] for model in (first, second)]
    return compare_all(found[0], found[1], budgets, STRONGEST)


def compare_common(section: Section, first: ModelRuns, second: ModelRuns) -> list[BudgetComparison]:
    """Both under all attacks that both met; one that only one of the two met would lower that one's bound alone."""
    seed, budgets = common_seed(first, second), radii_of(section)
    if seed is None:
        return []
    kept: list[list[KeptImages | None]] = [[], []]
    for budget in budgets:
        common = attacks_at(first, *budget, seed).keys() & attacks_at(second, *budget, seed).keys()
        for side, model in zip(kept, (first, second), strict=True):
            side.append(strongest(model, *budget, seed, attacks=common))
    return compare_all(kept[0], kept[1], budgets, COMMON)


def radii_of(section: Section, attack: str | None = None) -> list[tuple[str, float]]:
    """(norm, ε > 0) of one attack or of all, in order."""
    found = [b for b in section.budgets if b.epsilon > 0 and attack in {None, b.attack}]
    return sorted({(b.norm, b.epsilon) for b in found}, key=lambda place: (place[0] != "Linf", *place))


def _kept_under(model: ModelRuns, attack: str, norm: str, epsilon: float, seed: int | None) -> KeptImages | None:
    """The images that one attack left of one model, if it was run."""
    by_seed = model.attacks.get(AttackBudget(attack=attack, norm=norm, epsilon=epsilon), {})
    return kept_under(by_seed[seed], attack) if seed is not None and seed in by_seed else None


def compare_all(
    first: Sequence[KeptImages | None],
    second: Sequence[KeptImages | None],
    budgets: Sequence[tuple[str, float]],
    attack: str,
) -> list[BudgetComparison]:
    """Every budget with a fair comparison; adjusted over these.

    Args:
        first, second: what each side keeps, a budget; None where it is not known.
        budgets: (norm, ε), as many.
        attack: what to call the comparison.
    """
    found: list[tuple[str, float, KeptImages, KeptImages, PairedComparison]] = []
    for (norm, epsilon), one, other in zip(budgets, first, second, strict=True):
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


def judge(comparisons: Sequence[BudgetComparison]) -> Verdict:
    """Judges that the first model keeps more: it does somewhere and nowhere less, the reverse, or neither."""
    return judge_directions({comparison.direction for comparison in comparisons})


def judge_directions(directions: Set[int]) -> Verdict:
    """Judges by the directions found; nothing was tested where there are none."""
    if not directions:
        return "not tested here"
    if 1 in directions and -1 not in directions:
        return "holds"
    return "does not hold" if -1 in directions and 1 not in directions else "undecided"


VERDICT_WORDS: Final[dict[Verdict, str]] = {
    "holds": "supported by these records",
    "does not hold": "refuted by these records",
    "undecided": "undecided by these records",
    "not tested here": "not tested by these records",
}


def verdict_sentence(claim: str, comparisons: Sequence[BudgetComparison]) -> str:
    """ "“a is b”: refuted by these records (behind beyond chance at 2 of 3 budgets)."."""
    ahead = sum(comparison.direction == 1 for comparison in comparisons)
    behind = sum(comparison.direction == -1 for comparison in comparisons)
    counts = [f"{word} at {count}" for word, count in (("ahead", ahead), ("behind", behind)) if count]
    beyond = f"{join_words(counts)} of {len(comparisons)} budgets beyond chance" if counts else ""
    beyond = beyond or f"no difference beyond chance at any of {len(comparisons)} budgets"
    return f"“{claim}” is {VERDICT_WORDS[judge(comparisons)]}: {beyond}."


def most_telling(comparisons: Sequence[BudgetComparison]) -> BudgetComparison:
    """The comparison with the smallest p-value, and of those the largest difference."""
    return min(comparisons, key=lambda found: (found.adjusted, -abs(found.comparison.difference), found.epsilon))


def difference_text(compared: PairedComparison) -> str:
    """ "0.11 (0.05 to 0.17)": first minus second with its 95 % interval, rounded outward."""
    low, high = (
        format_rounded(compared.low, kind="lower", digits=2),
        format_rounded(compared.high, kind="upper", digits=2),
    )
    return f"{format_number(compared.difference, digits=2)} ({low} to {high})"


def p_text(p_value: float) -> str:
    """A p-value with two digits; "< 0.0001" below."""
    return "< 0.0001" if p_value < _SMALLEST_P else format_number(p_value, digits=2)


def p_phrase(p_value: float) -> str:
    """ "p = 0.003" or "p < 0.0001"."""
    return f"p {'' if p_value < _SMALLEST_P else '= '}{p_text(p_value)}"
