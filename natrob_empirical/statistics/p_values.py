"""p-values: of the exact sign test, and of many tests at once."""

from collections.abc import Sequence
from functools import cache
from typing import Final, Literal

from scipy.stats import binomtest

SIGNIFICANCE: Final = 0.05


@cache
def sign_test(wins: int, losses: int, *, alternative: Literal["two-sided", "greater"]) -> float:
    """Chance of a split of wins + losses coin tosses as uneven as this one or more so; 1 without a toss.

    Of images that one side alone keeps or fools, it is McNemar's exact test. Source: Psychometrika 12 (1947).

    Args:
        wins, losses: how many there are.
        alternative: whether many losses count as uneven too.
    """
    return float(binomtest(wins, wins + losses, alternative=alternative).pvalue) if wins + losses else 1.0


def holm_adjusted(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted by Holm's step-down method, in their order, so that each may be held against `SIGNIFICANCE`.

    Source: Holm, Scandinavian Journal of Statistics 6 (1979).
    """
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted
