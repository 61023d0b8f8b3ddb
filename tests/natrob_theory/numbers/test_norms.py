import math

import pytest
import torch

from natrob_theory.numbers.norms import linf_radius_as_l2, per_sample_l2


@pytest.mark.parametrize("shape", [(3, 4), (3, 2, 2, 5), (2, 1, 2, 3, 2)])
def test_one_norm_per_sample_over_all_entries(shape: tuple[int, ...]) -> None:
    state = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    norms = per_sample_l2(state)
    assert norms.shape == shape[:1]
    expected = [math.sqrt(math.fsum(float(entry) ** 2 for entry in sample.flatten())) for sample in state]
    torch.testing.assert_close(norms, torch.tensor(expected, dtype=torch.float64), rtol=1e-14, atol=0.0)


def test_single_precision_states_are_summed_in_double() -> None:
    state = torch.full((1, 4), 1e30, dtype=torch.float32)  # the square overflows float32
    assert per_sample_l2(state).dtype == torch.float64
    assert float(per_sample_l2(state)) == pytest.approx(2e30, rel=1e-7)


@pytest.mark.parametrize("scale", [1e-320, 1e-300, 1e-170, 1e-155, 1e155, 1e300, 8e307])
def test_no_square_under_or_overflows(scale: float) -> None:
    state = scale * torch.tensor([[0.5, -1.0, 1.0, 0.25]], dtype=torch.float64)
    entries = [float(entry) for entry in state[0]]
    assert float(per_sample_l2(state)) == pytest.approx(math.hypot(*entries), rel=1e-14)
    mixed = torch.cat([state, torch.ones_like(state), torch.zeros_like(state)])
    assert per_sample_l2(mixed).tolist() == pytest.approx([math.hypot(*entries), 2.0, 0.0], rel=1e-14)


def test_a_nan_entry_makes_the_norm_nan_and_an_infinite_one_infinite() -> None:
    state = torch.tensor([[math.nan, 1.0], [math.inf, 1.0], [3.0, 4.0]], dtype=torch.float64)
    norms = per_sample_l2(state)
    assert math.isnan(float(norms[0]))
    assert norms[1:].tolist() == [math.inf, 5.0]


def test_the_l2_ball_around_an_linf_ball() -> None:
    assert linf_radius_as_l2(0.5, 784) == 14.0
    corner = torch.full((1, 784), 0.5, dtype=torch.float64)
    assert float(per_sample_l2(corner)) == pytest.approx(linf_radius_as_l2(0.5, 784), rel=1e-15)
