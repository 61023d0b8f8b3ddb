"""Two accuracies on the same images: their difference, and whether chance alone would give it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, final

from scipy.stats import fisher_exact

SIGNIFICANCE: Final = 0.05

_NORMAL_95: Final = 1.959963984540054


@final
@dataclass(frozen=True, kw_only=True)
class PairedComparison:
    """Two shares of the same n images, or of two samples of n each.

    Attributes:
        first, second: the shares.
        n: images of each.
        low, high: the 95 % interval of first minus second.
        p_value: two-sided; the chance of a difference this large or larger, were the two shares equal.
        paired: whether image was compared with image.
    """

    first: float
    second: float
    n: int
    low: float
    high: float
    p_value: float
    paired: bool

    @property
    def difference(self) -> float:
        """First minus second."""
        return self.first - self.second


def compare_kept(first: str, second: str) -> PairedComparison:
    """Compare, image by image, which images kept their label: the letter "k" of `AttackResult.outcomes`.

    Of two lists of different length the longer one is cut, since fewer images are always the first ones of the data.
    The interval is Agresti and Min's: half an image is added to each of the four pairs of outcomes, and the normal
    interval of a paired difference is taken there. The test is McNemar's exact one, of the images that only one side
    kept. Source: Agresti and Min, Statistics in Medicine 24 (2005); McNemar, Psychometrika 12 (1947).

    Raises:
        ValueError: one of the two is empty.
    """
    n = min(len(first), len(second))
    if n == 0:
        raise ValueError("`first` and `second` must hold at least one outcome each")
    pairs = [(a == "k", b == "k") for a, b in zip(first, second, strict=False)]
    only_first = sum(a and not b for a, b in pairs)
    only_second = sum(b and not a for a, b in pairs)
    middle = (only_first - only_second) / (n + 2)
    discordant = only_first + only_second + 1
    half = _NORMAL_95 * math.sqrt(discordant - (only_first - only_second) ** 2 / (n + 2)) / (n + 2)
    return PairedComparison(
        first=sum(a for a, _ in pairs) / n,
        second=sum(b for _, b in pairs) / n,
        n=n,
        low=middle - half,
        high=middle + half,
        p_value=exact_mcnemar(only_first, only_second),
        paired=True,
    )


def compare_shares(first: float, second: float, n: int) -> PairedComparison:
    """Compare two shares of n images each whose outcomes image by image were not kept, as if they were two samples.

    The interval is Agresti and Caffo's, the test Fisher's exact one. Where the two share their images both are too
    cautious.

    Raises:
        ValueError: `n` is below 1.
    """
    if n < 1:
        raise ValueError(f"`n` must be at least 1, got {n}")
    counts = [round(first * n), round(second * n)]
    shares = [(count + 1) / (n + 2) for count in counts]
    half = _NORMAL_95 * math.sqrt(sum(share * (1 - share) for share in shares) / (n + 2))
    middle = shares[0] - shares[1]
    p_value: Any = fisher_exact([[count, n - count] for count in counts])[1]
    return PairedComparison(
        first=first, second=second, n=n, low=middle - half, high=middle + half, p_value=float(p_value), paired=False
    )


def exact_mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided P of a split at least this uneven among as many coin tosses; 1 without a discordant image."""
    tosses = only_first + only_second
    tail = sum(math.comb(tosses, count) for count in range(max(only_first, only_second), tosses + 1)) / 2**tosses
    return min(1.0, 2 * tail)


def holm_adjusted(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted by Holm's step-down method, in their order, so that each may be held against 5 %.

    Source: Holm, Scandinavian Journal of Statistics 6 (1979).
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted
