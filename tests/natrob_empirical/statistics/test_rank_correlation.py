import math

import pytest

from natrob_empirical.statistics.rank_correlation import rank_correlation


def test_rank_correlation_against_known_values() -> None:
    exact = rank_correlation([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0])
    assert exact is not None
    assert exact.rho == pytest.approx(1.0)
    assert exact.exact
    assert exact.limit == pytest.approx(1.0)  # ±1 already has probability 2/24
    assert exact.p_value == pytest.approx(2 / 24)  # the identity and its reversal
    assert rank_correlation([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]) is None
    assert rank_correlation([1.0, 2.0, math.nan], [1.0, 2.0, 3.0]) is None
    many = [float(k) for k in range(12)]
    drawn = rank_correlation(many, many)
    assert drawn is not None
    assert not drawn.exact
    assert 0 < drawn.p_value < 0.001
    assert drawn == rank_correlation(many, many)
