"""A lower bound of a probability from counted trials, exact and one-sided."""

from typing import Final

from natrob_theory.numbers.argument_checks import require_count, require_finite

DOWNWARD: Final = 1.0 - 1e-9
"""Takes a part in 10⁹ off: far more than the inverse functions of scipy.special round."""


def lower_probability(count: int, n: int, *, failure_probability: float) -> float:
    """The Clopper–Pearson lower bound of a probability of which `count` of `n` independent trials came true.

    It is the p at which so many or more come true with probability α: P(Bin(n, p) ≥ count) = I_p(count, n − count + 1),
    I the regularised incomplete beta function. 0 where none came true. It lies above the true probability with
    probability at most α, whatever that is; no approximation enters. Moved down by a part in 10⁹ for rounding.

    Source: Clopper and Pearson, "The use of confidence or fiducial limits", Biometrika 26, 1934.

    Args:
        count: from 0 to `n`.
        n: at least 1.
        failure_probability: α, between 0 and 1.

    Raises:
        TypeError, ValueError: arguments that are not as described.
    """
    require_count("n", n)
    require_count("count", count, minimum=0)
    alpha = require_failure_probability(failure_probability)
    if count > n:
        raise ValueError(f"`count` must be from 0 to `n`, got {count} of {n}")
    if count == 0:
        return 0.0
    from scipy.special import betaincinv  # noqa: PLC0415 - scipy's import takes longer than help may

    return float(betaincinv(count, n - count + 1, alpha)) * DOWNWARD


def require_failure_probability(value: object) -> float:
    """Return `value` as a float strictly between 0 and 1, or raise TypeError or ValueError."""
    alpha = require_finite("failure_probability", value)
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"`failure_probability` must lie between 0 and 1, got {alpha}")
    return alpha
