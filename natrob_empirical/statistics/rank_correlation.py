"""Spearman's rank correlation over a handful of models, with the permutation interval that says what it is worth."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from scipy.stats import permutation_test, rankdata

DRAWS: Final = 10_000
"""So many orderings are drawn at random where there are more, which is from 8 models on."""
PERMUTATION_SEED: Final = 0


@final
@dataclass(frozen=True, kw_only=True)
class RankCorrelation:
    """Spearman's ρ with its permutation distribution.

    Attributes:
        rho: in [−1, 1].
        n: how many models.
        limit: of at least 95 % of random pairings |ρ| is at most this.
        p_value: the share of pairings whose |ρ| is at least the one found; a drawn one counts the pairing found.
        exact: whether all n! pairings were listed, or `DRAWS` drawn with `PERMUTATION_SEED`.
    """

    rho: float
    n: int
    limit: float
    p_value: float
    exact: bool


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> RankCorrelation | None:
    """Spearman's ρ of two quantities, infinities ranked last; None for under three pairs or a constant quantity.

    Pairs with a value that is not a number are left out.
    """
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if not (math.isnan(a) or math.isnan(b))]
    if len(pairs) < 3:
        return None
    one, other = (np.asarray(rankdata(column)) - (len(pairs) + 1) / 2 for column in zip(*pairs, strict=True))
    scale = float(np.linalg.norm(one) * np.linalg.norm(other))
    if scale == 0:
        return None
    tested: Any = permutation_test(
        (one,),
        lambda ranks, axis: np.abs((ranks * other).sum(axis=axis)) / scale,
        permutation_type="pairings",
        vectorized=True,
        n_resamples=DRAWS,
        alternative="greater",
        rng=np.random.default_rng(PERMUTATION_SEED),
    )
    permuted = np.sort(tested.null_distribution)
    return RankCorrelation(
        rho=float(one @ other) / scale,
        n=len(pairs),
        limit=float(permuted[math.ceil(0.95 * len(permuted)) - 1]),
        p_value=float(tested.pvalue),
        exact=math.factorial(len(pairs)) <= DRAWS,
    )
