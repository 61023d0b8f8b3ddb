"""95 % intervals of a share, and of the difference of two.

scipy.stats takes half a second to import, and what runs attacks needs it at their end only.
"""

import math
from functools import cache


def wilson_interval(count: int, n: int) -> tuple[float, float]:
    """Wilson's interval of a probability of which `count` of `n` independent trials came true; within [0, 1].

    Its ends are those q at which |count/n − q| is 1.96 standard deviations.
    Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.

    Raises:
        ValueError: `n` is below 1, or `count` not from 0 to `n`.
    """
    if n < 1 or not 0 <= count <= n:
        raise ValueError(f"`count` must be from 0 to `n`, and `n` at least 1, got {count} of {n}")
    from scipy.stats import binomtest  # noqa: PLC0415

    found = binomtest(count, n).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def agresti_caffo(first: float, first_n: int, second: float, second_n: int) -> tuple[float, float]:
    """Interval of first − second, shares of two independent samples.

    One success and one failure are added to both, and the normal interval is taken there. Where the two share their
    images and their errors go together, it is too wide rather than too narrow.
    Source: Agresti and Caffo, The American Statistician 54 (2000).
    """
    sizes = (first_n + 2, second_n + 2)
    shares = [(share * (n - 2) + 1) / n for share, n in zip((first, second), sizes, strict=True)]
    variance = sum(share * (1 - share) / n for share, n in zip(shares, sizes, strict=True))
    return _around(shares[0] - shares[1], variance)


def agresti_min(only_first: int, only_second: int, n: int) -> tuple[float, float]:
    """Interval of the difference of two shares of the same `n` images, of which so many count on one side only.

    Half an image is added to each of the four pairs of outcomes, and the normal interval is taken there.
    Source: Agresti and Min, Statistics in Medicine 24 (2005).
    """
    middle, size = only_first - only_second, n + 2
    return _around(middle / size, (only_first + only_second + 1 - middle**2 / size) / size**2)


def _around(middle: float, variance: float) -> tuple[float, float]:
    half = _quantile() * math.sqrt(variance)
    return middle - half, middle + half


@cache
def _quantile() -> float:
    """1.96: a normal variable is at most so large with probability 97.5 %."""
    from scipy.stats import norm  # noqa: PLC0415

    return float(norm.ppf(0.975))
