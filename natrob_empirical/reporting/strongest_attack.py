"""The best upper bound of a model's robust accuracy that the attacks run on it give, image by image."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import final

from natrob_empirical.display.formatting import format_share
from natrob_empirical.records import OUTCOME_LETTERS, AttackResult
from natrob_empirical.reporting.record_groups import ModelRuns
from natrob_empirical.statistics.share_intervals import wilson_interval


@final
@dataclass(frozen=True, kw_only=True)
class KeptImages:
    """How many images kept their label, an upper bound of the robust accuracy.

    Attributes:
        share: of the n images.
        n: how many.
        outcomes: one letter an image as in `AttackResult.outcomes`; empty where they were not kept.
        attacks: the labels behind it.
    """

    share: float
    n: int
    outcomes: str
    attacks: tuple[str, ...]

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval."""
        return wilson_interval(round(self.share * self.n), self.n)

    @property
    def text(self) -> str:
        """ "0.412 [0.346, 0.481]": the share, rounded up as an upper bound, and Wilson's interval rounded outward."""
        low, high = self.interval
        shown = f"[{format_share(low, kind='lower')}, {format_share(high, kind='upper')}]"
        return f"{format_share(self.share, kind='upper')} {shown}"

    def first_images(self, n: int) -> "KeptImages":
        """The first n images, at most as many as there are outcomes."""
        outcomes = self.outcomes[:n]
        return KeptImages(share=outcomes.count("k") / n, n=n, outcomes=outcomes, attacks=self.attacks)


def kept_under(result: AttackResult, attack: str) -> KeptImages | None:
    """The images that one attack left; None where the record does not say on how many images."""
    if result.accuracy.n is None or result.accuracy.n < 1:
        return None
    return KeptImages(
        share=result.accuracy.value, n=result.accuracy.n, outcomes=result.outcomes, attacks=(attack,)
    )  # fmt: skip


def strongest(
    model: ModelRuns, norm: str, epsilon: float, seed: int, *, attacks: Collection[str] | None = None
) -> KeptImages | None:
    """The images that all attacks at this budget, or those of these labels, leave together; None without one.

    An image counts as kept if no attack fooled it. All attacks see the same images, the first ones of the data: as
    many as the attack with the fewest saw. Without outcomes image by image it is the smallest accuracy of those
    attacks that saw the most images.
    """
    results = attacks_at(model, norm, epsilon, seed)
    wanted = results if attacks is None else {label: results[label] for label in results if label in attacks}
    found = [kept for attack, result in wanted.items() if (kept := kept_under(result, attack))]
    if not found:
        return None
    if not all(kept.outcomes for kept in found):
        most = max(kept.n for kept in found)
        return min((kept for kept in found if kept.n == most), key=lambda kept: kept.share)
    n = min(len(kept.outcomes) for kept in found)
    letters = "".join(_worst(column) for column in zip(*(kept.outcomes[:n] for kept in found), strict=True))
    return KeptImages(
        share=letters.count("k") / n, n=n, outcomes=letters, attacks=tuple(a for kept in found for a in kept.attacks)
    )  # fmt: skip


def attacks_at(model: ModelRuns, norm: str, epsilon: float, seed: int) -> Mapping[str, AttackResult]:
    """Label → result of every attack on the model at this budget."""
    return {
        budget.attack: by_seed[seed]
        for budget, by_seed in model.attacks.items()
        if (budget.norm, budget.epsilon) == (norm, epsilon) and seed in by_seed
    }


def _worst(letters: tuple[str, ...]) -> str:
    """The worst outcome of an image under several attacks."""
    return min(letters, key=OUTCOME_LETTERS.index)
