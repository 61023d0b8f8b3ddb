"""The best upper bound of a model's robust accuracy that the attacks run on it give, image by image."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import final

from natrob_empirical.evidence.run import AttackBudget, Model
from natrob_empirical.records import OUTCOME_LETTERS, AttackResult, Number


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
    def number(self) -> Number:
        """The share as an upper bound with its n and its attacks."""
        return Number(value=self.share, kind="upper", n=self.n, source=", ".join(self.attacks))

    def first_images(self, n: int) -> "KeptImages":
        """The first n images, at most as many as there are outcomes."""
        return kept_letters(self.outcomes[:n], self.attacks)


def kept_letters(outcomes: str, attacks: tuple[str, ...]) -> KeptImages:
    """Counts what outcomes image by image keep. Raises ZeroDivisionError without any."""
    share = outcomes.count("k") / len(outcomes)
    return KeptImages(share=share, n=len(outcomes), outcomes=outcomes, attacks=attacks)


def kept_under(model: Model, budget: AttackBudget) -> KeptImages | None:
    """The images that one attack left; None where it was not run, or the record does not say on how many images."""
    result = model.attacks.get(budget)
    if result is None or result.accuracy.n is None or result.accuracy.n < 1:
        return None
    return KeptImages(
        share=result.accuracy.value, n=result.accuracy.n, outcomes=result.outcomes, attacks=(budget.attack,)
    )


def attacks_at(model: Model, norm: str, epsilon: float) -> Mapping[str, AttackResult]:
    """Label → result of every attack on the model at this budget."""
    return {b.attack: result for b, result in model.attacks.items() if (b.norm, b.epsilon) == (norm, epsilon)}


def strongest(
    model: Model, norm: str, epsilon: float, *, attacks: Collection[str] | None = None, fewest: int = 1
) -> KeptImages | None:
    """The images that all attacks at this budget, or those of these labels, leave together; None without one.

    An image counts as kept if no attack fooled it. All attacks see the same images, the first ones of the data: as
    many as the attack with the fewest saw, attacks on fewer than `fewest` left out. Without outcomes image by image it
    is the smallest accuracy of those attacks that saw the most images.
    """
    budgets = [AttackBudget(attack=label, norm=norm, epsilon=epsilon) for label in attacks_at(model, norm, epsilon)]
    found = [
        kept
        for budget in budgets
        if (attacks is None or budget.attack in attacks) and (kept := kept_under(model, budget)) and kept.n >= fewest
    ]
    if not found:
        return None
    if not all(kept.outcomes for kept in found):
        most = max(kept.n for kept in found)
        return min((kept for kept in found if kept.n == most), key=lambda kept: kept.share)
    n = min(len(kept.outcomes) for kept in found)
    letters = "".join(_worst(column) for column in zip(*(kept.outcomes[:n] for kept in found), strict=True))
    return kept_letters(letters, tuple(label for kept in found for label in kept.attacks))


def _worst(letters: tuple[str, ...]) -> str:
    """The worst outcome of an image under several attacks."""
    return min(letters, key=OUTCOME_LETTERS.index)
