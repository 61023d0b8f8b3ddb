"""Two accuracies on the same images: their difference, and whether chance alone would give it."""

from dataclasses import dataclass
from typing import Any, final

from scipy.stats import fisher_exact

from natrob_empirical.statistics.p_values import sign_test
from natrob_empirical.statistics.share_intervals import agresti_caffo, agresti_min


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
    The interval is Agresti and Min's, the test McNemar's exact one.

    Raises:
        ValueError: one of the two is empty.
    """
    n = min(len(first), len(second))
    if n == 0:
        raise ValueError("`first` and `second` must hold at least one outcome each")
    kept = [(a == "k", b == "k") for a, b in zip(first, second, strict=False)]
    only_first, only_second = kept.count((True, False)), kept.count((False, True))
    low, high = agresti_min(only_first, only_second, n)
    return PairedComparison(
        first=sum(a for a, _ in kept) / n,
        second=sum(b for _, b in kept) / n,
        n=n,
        low=low,
        high=high,
        p_value=sign_test(only_first, only_second, alternative="two-sided"),
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
    counts = [round(share * n) for share in (first, second)]
    low, high = agresti_caffo(counts[0] / n, n, counts[1] / n, n)
    p_value: Any = fisher_exact([[count, n - count] for count in counts])[1]
    return PairedComparison(
        first=first, second=second, n=n, low=low, high=high, p_value=float(p_value), paired=False
    )  # fmt: skip
