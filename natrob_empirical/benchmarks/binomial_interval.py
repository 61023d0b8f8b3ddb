"""How far a share of n samples may be from the share of the population they were drawn from."""

import math
from typing import Final

from natrob_theory.numbers.argument_checks import require_count

_QUANTILE: Final = 1.959963984540054
"""The standard normal distribution's quantile at 0.975."""


def wilson_interval(count: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a probability of which `count` of `n` independent trials came true.

    With p = count/n and z = 1.96 the ends are `(p + z²/2n ± z√(p(1 − p)/n + z²/4n²))/(1 + z²/n)`: those q at which
    |p − q| is z standard deviations. They lie in [0, 1], and at count = 0 or n one of them is 0 or 1.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.

    Raises:
        TypeError, ValueError: `n` is no integer of at least 1, or `count` none from 0 to `n`.
    """
    n = require_count("n", n)
    if require_count("count", count, minimum=0) > n:
        raise ValueError(f"`count` must be at most `n` = {n}, got {count}")
    share, weight = count / n, _QUANTILE**2 / n
    middle = share + weight / 2
    half = _QUANTILE * math.sqrt(share * (1 - share) / n + weight / (4 * n))
    low, high = (middle - half) / (1 + weight), (middle + half) / (1 + weight)
    return (0.0 if count == 0 else low), (1.0 if count == n else high)
