"""Spearman's rank correlation over a handful of models, with the permutation interval that says what it is worth."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from scipy.stats import rankdata

EXACT_LIMIT: Final = 7  # 7! = 5040 orderings are listed in full; beyond, as many as DRAWS are drawn
DRAWS: Final = 10_000
PERMUTATION_SEED: Final = 0
FEW_MODELS: Final = 8


@final
@dataclass(frozen=True, kw_only=True)
class RankCorrelation:
    """Spearman's ρ with its permutation distribution.

    Attributes:
        rho: in [−1, 1].
        n: how many models.
        limit: of at least 95 % of random pairings |ρ| is at most this.
        p_value: the share of pairings whose |ρ| is at least the one found.
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
    ranks = [np.asarray(rankdata(column), dtype=np.float64) for column in zip(*pairs, strict=True)]
    centred = [column - column.mean() for column in ranks]
    scale = float(np.linalg.norm(centred[0]) * np.linalg.norm(centred[1]))
    if scale == 0:
        return None
    rho = float(centred[0] @ centred[1]) / scale
    exact = len(pairs) <= EXACT_LIMIT
    permuted = np.sort(np.abs(_orderings(len(pairs), exact, centred[1]) @ centred[0] / scale))
    limit = float(permuted[math.ceil(0.95 * len(permuted)) - 1])
    extreme = int(np.count_nonzero(permuted >= abs(rho) - 1e-9))
    # A drawn sample has to count the ordering found as well, or p could be 0.
    p_value = extreme / len(permuted) if exact else (extreme + 1) / (len(permuted) + 1)
    return RankCorrelation(rho=rho, n=len(pairs), limit=limit, p_value=p_value, exact=exact)


def _orderings(n: int, exact: bool, values: np.ndarray) -> np.ndarray:
    """`values` in every ordering, or in `DRAWS` random ones; shape (orderings, n)."""
    if exact:
        return values[np.array(list(itertools.permutations(range(n))))]
    generator = np.random.default_rng(PERMUTATION_SEED)
    return np.stack([generator.permutation(values) for _ in range(DRAWS)])
