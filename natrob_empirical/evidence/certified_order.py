"""An order of networks that no attack can turn round: certified images of one against attacked images of another."""

from typing import Final

from natrob_empirical.evidence.comparison import BudgetComparison, compare_all
from natrob_empirical.evidence.image_bounds import attacks_in, best_radii, smallest_distances
from natrob_empirical.evidence.kept import KeptImages, kept_letters
from natrob_empirical.evidence.run import Model, Run

CERTIFIED_AGAINST_ATTACKED: Final = "certified against attacked"


def certified_above_attacked(run: Run, first: Model, second: Model) -> list[BudgetComparison]:
    """Every radius at which the certified images of the first stand against what all attacks leave of the second.

    Where the first is ahead it is truly more robust on these images: a lower bound exceeds an upper one.
    """
    places = run.radii()
    kept = ([_certified(first, *place) for place in places], [_attacked(second, *place) for place in places])
    return compare_all(*kept, places, CERTIFIED_AGAINST_ATTACKED)


def _certified(model: Model, norm: str, epsilon: float) -> KeptImages | None:
    """The images that a certificate keeps; None without one."""
    radii = [] if model.theory is None else best_radii(model.theory, norm)
    letters = "".join("k" if 0 < radius >= epsilon else "f" for radius in radii)
    return kept_letters(letters, ("certificate",)) if letters else None


def _attacked(model: Model, norm: str, epsilon: float) -> KeptImages | None:
    """The images of which no attack in this norm found a misclassified one within the radius, of all it saw."""
    attacks = attacks_in(model, norm)
    n = max((len(result.outcomes) for _, _, result in attacks), default=0)
    distances = smallest_distances(attacks, n) if n else ()
    letters = "".join("k" if distance > epsilon else "f" for distance in distances)
    return kept_letters(letters, tuple(dict.fromkeys(label for label, *_ in attacks))) if letters else None
