"""AUROC and Spearman against independent formulas, and their intervals."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap, mannwhitneyu

from natrob_empirical.statistics.bootstrap import RESAMPLES, RESAMPLING_SEED, auroc, mid_ranks_within


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40))
def test_auroc_is_mann_whitneys_u_over_the_number_of_pairs(pairs: list[tuple[int, bool]]) -> None:
    scores, labels = np.array([float(a) for a, _ in pairs]), np.array([b for _, b in pairs])
    found = auroc(scores.tolist(), labels.tolist())
    if labels.all() or not labels.any():
        assert found is None
        return
    u = mannwhitneyu(scores[labels], scores[~labels]).statistic
    assert found is not None
    assert found.value == pytest.approx(u / (labels.sum() * (~labels).sum()), abs=1e-12)


def test_the_intervals_are_scipys() -> None:
    """Those of the plain bootstrap that draws rows with the same seed and ranks them anew."""
    generator = np.random.default_rng(3)
    first = np.round(generator.normal(size=60), 1)
    second = np.round(first + generator.normal(size=60), 1)
    positive = (second > 0).astype(float)

    def ranked(scores: np.ndarray, labels: np.ndarray) -> float:
        u: Any = mannwhitneyu(scores[labels == 1], scores[labels == 0]).statistic
        return u / (labels.sum() * (1 - labels).sum())

    expected: Any = bootstrap(
        (first, positive), ranked, paired=True, vectorized=False, n_resamples=RESAMPLES, method="percentile",
        rng=np.random.default_rng(RESAMPLING_SEED),
    ).confidence_interval  # fmt: skip
    found = auroc(first.tolist(), (positive == 1).tolist())
    assert found is not None
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert found.resamples == RESAMPLES


def test_resamples_without_a_value_are_left_out() -> None:
    found = auroc([1.0, 2.0, 3.0], [True, False, False])
    assert found is not None
    assert 0.6 * RESAMPLES < found.resamples < 0.75 * RESAMPLES  # of 27 draws, 8 lack the positive, 1 the others
    assert (found.low, found.high) == (0.0, 0.0)


def test_the_interval_covers_chance_where_there_is_only_chance() -> None:
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(60):
        found = auroc(generator.normal(size=80).tolist(), (generator.random(80) < 0.5).tolist())
        assert found is not None
        covered += not found.excludes(0.5)
    assert covered >= 52  # 95 % of 60 is 57; under 52 has a chance below 0.01


def test_a_perfect_quantity_excludes_chance() -> None:
    found = auroc([float(n) for n in range(40)], [n >= 20 for n in range(40)])
    assert found is not None
    assert (found.value, found.excludes(0.5)) == (1.0, True)


def test_not_a_number_is_refused_by_position() -> None:
    with pytest.raises(ValueError, match="NaN at position 1"):
        auroc([0.0, math.nan], [True, False])
    with pytest.raises(ValueError, match="`positive` must hold one entry a score, 2, got 1"):
        auroc([0.0, 1.0], [True])


def test_ranks_are_among_the_own_kind() -> None:
    ranks = mid_ranks_within([1.0, 2.0, 2.0, 100.0, 50.0], list("rrrff"))
    assert ranks == pytest.approx([0.5 / 3, 2 / 3, 2 / 3, 0.75, 0.25])
