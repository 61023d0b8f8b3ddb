"""AUROC and Spearman's ρ over images, with percentile bootstrap intervals; ties share their mean rank."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, final

import numpy as np

RESAMPLES: Final = 1000
RESAMPLING_SEED: Final = 0
_AT_ONCE: Final = 2**22
"""So many counts are held at once."""

Vector: TypeAlias = np.ndarray
Statistic: TypeAlias = Callable[[Vector], Vector]
"""How often every image occurs in every resample, (resamples, n) → one value a resample."""


@final
@dataclass(frozen=True, kw_only=True)
class Interval:
    """A statistic with its 95 % interval.

    Attributes:
        value: of the images as they are.
        low, high: the 2.5 % and 97.5 % quantiles over the resamples that have a value.
        n: images.
        resamples: how many of `RESAMPLES` have one: not those with only one outcome, or one rank.
    """

    value: float
    low: float
    high: float
    n: int
    resamples: int

    def excludes(self, neutral: float) -> bool:
        """Whether the interval lies wholly on one side of the value that means nothing."""
        return self.low > neutral or self.high < neutral


def auroc(scores: Sequence[float], positive: Sequence[bool]) -> Interval | None:
    """P(score of a positive > score of a negative) + ½P(equal), with its bootstrap interval over images.

    Infinite scores are ranked at their end; a pair of equal scores counts one half, as mid-ranks do. None where all
    images are positive or none is. Source: Hanley and McNeil, Radiology 143 (1982); Efron and Tibshirani, An
    Introduction to the Bootstrap, chapter 13.

    Raises:
        ValueError: a score is NaN, or the two differ in length.
    """
    values, labels = _checked(scores), np.asarray(positive, dtype=bool)
    if len(values) != len(labels):
        raise ValueError(f"`positive` must hold one entry a score, {len(values)}, got {len(labels)}")
    if labels.all() or not labels.any():
        return None
    groups = _groups(values)
    weights = np.ones((1, len(values)))

    def statistic(counts: Vector) -> Vector:
        return _weighted_auroc(groups, labels, counts)

    return _interval(statistic, weights, len(values))


def spearman(first: Sequence[float], second: Sequence[float]) -> Interval | None:
    """Spearman's ρ with its bootstrap interval over images; infinities rank last, ties share their mean rank.

    None for under three images or a constant quantity. In a resample the ranks are those among its own images.

    Raises:
        ValueError: a value is NaN, or the two differ in length.
    """
    one, other = _checked(first), _checked(second)
    if len(one) != len(other):
        raise ValueError(f"`second` must hold as many values as `first`, {len(one)}, got {len(other)}")
    if len(one) < 3 or len(np.unique(one)) < 2 or len(np.unique(other)) < 2:
        return None
    groups = (_groups(one), _groups(other))

    def statistic(counts: Vector) -> Vector:
        return _weighted_spearman(*groups, counts)

    return _interval(statistic, np.ones((1, len(one))), len(one))


def mid_ranks_within(values: Sequence[float], groups: Sequence[str]) -> list[float]:
    """Each value's mean rank among those of its group, as a share in (0, 1): values of two groups are not compared."""
    ranks = [0.0] * len(values)
    for group in set(groups):
        rows = [row for row, name in enumerate(groups) if name == group]
        codes = _groups(_checked([values[row] for row in rows]))
        found = _mid_ranks(codes, np.ones((1, len(rows))))[0]
        for row, rank in zip(rows, found, strict=True):
            ranks[row] = (float(rank) - 0.5) / len(rows)
    return ranks


def _checked(values: Sequence[float]) -> Vector:
    array = np.asarray(values, dtype=np.float64)
    if np.isnan(array).any():
        raise ValueError(f"every value must be a number, got NaN at position {int(np.isnan(array).argmax())}")
    return array


def _groups(values: Vector) -> Vector:
    """The number of each value among the distinct values, in rising order: equal values share one."""
    return np.unique(values, return_inverse=True)[1].reshape(-1)


def _interval(statistic: Statistic, ones: Vector, n: int) -> Interval:
    """The value on the images as they are and the quantiles over the resamples."""
    generator = np.random.default_rng(RESAMPLING_SEED)
    rows = max(1, _AT_ONCE // n)
    found: list[Vector] = []
    for start in range(0, RESAMPLES, rows):
        drawn = generator.integers(0, n, size=(min(rows, RESAMPLES - start), n))
        offsets = np.arange(len(drawn))[:, None] * n
        counts = np.bincount((drawn + offsets).ravel(), minlength=len(drawn) * n).reshape(len(drawn), n)
        found.append(statistic(counts.astype(np.float64)))
    values = np.concatenate(found)
    values = values[~np.isnan(values)]
    low, high = np.quantile(values, [0.025, 0.975]) if len(values) else (math.nan, math.nan)
    return Interval(value=float(statistic(ones)[0]), low=float(low), high=float(high), n=n, resamples=len(values))


def _per_group(codes: Vector, counts: Vector) -> Vector:
    """The sum of the counts of every group of equal values; (resamples, groups)."""
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(codes.max() + 1))
    return np.add.reduceat(counts[:, order], starts, axis=1)


def _weighted_auroc(codes: Vector, positive: Vector, counts: Vector) -> Vector:
    """AUROC of every resample, NaN where it has one outcome only."""
    ahead = _per_group(codes, counts * positive)
    behind = _per_group(codes, counts * ~positive)
    below = np.cumsum(behind, axis=1) - behind
    pairs = ahead.sum(axis=1) * behind.sum(axis=1)
    wins = (ahead * (below + 0.5 * behind)).sum(axis=1)
    return np.divide(wins, pairs, out=np.full(len(counts), np.nan), where=pairs > 0)


def _mid_ranks(codes: Vector, counts: Vector) -> Vector:
    """Every image's mean rank in every resample."""
    sizes = _per_group(codes, counts)
    return (np.cumsum(sizes, axis=1) - sizes + (sizes + 1.0) / 2.0)[:, codes]


def _weighted_spearman(first: Vector, second: Vector, counts: Vector) -> Vector:
    """Pearson's correlation of the mid-ranks in every resample, NaN where one side is constant."""
    total = counts.sum(axis=1, keepdims=True)
    centred = []
    for codes in (first, second):
        ranks = _mid_ranks(codes, counts)
        centred.append(ranks - (counts * ranks).sum(axis=1, keepdims=True) / total)
    covariance = (counts * centred[0] * centred[1]).sum(axis=1)
    variances = [(counts * part * part).sum(axis=1) for part in centred]
    scale = np.sqrt(variances[0] * variances[1])
    return np.divide(covariance, scale, out=np.full(len(counts), np.nan), where=scale > 1e-9)
