import pytest

from benchmarks import tightness


@pytest.mark.slow
def test_a_lower_bound_does_not_exceed_the_upper_one_and_the_contractive_trunk_has_the_target() -> None:
    residual, flow = tightness.rows(quick=True)
    assert residual.value >= 1.0
    assert flow.value >= 1.0
    assert residual.target is None
    assert flow.target == 1.3
    assert flow.met
