import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from natrob_theory import RevNet, convolutional_field
from natrob_theory.strategies import KnownField, fields, perturbations, step_sizes


@given(
    first=fields(dimension=2),
    second=fields(dimension=2),
    step_size=step_sizes(1e-10, 1.0),
    steps=st.integers(1, 6),
    y0=perturbations((3, 4)),
)
def test_the_inverse_returns_to_the_start(
    first: KnownField, second: KnownField, step_size: float, steps: int, y0: torch.Tensor
) -> None:
    net = RevNet((first.field, second.field), step_size, steps)
    with torch.no_grad(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        states = net.trajectory(y0).states
        back = net.inverse(states[-1])
    # A rounding error of relative size u at any step, forward or back, can grow at most by the bound of the steps
    # on the way home (the inverse has the same coupling matrix in size), from states no larger than the largest.
    growth = float(net.growth_bound((first.lipschitz, second.lipschitz)))
    sizes = states.flatten(2).norm(dim=2)
    allowed = (
        64
        * steps
        * 2.0**-53
        * growth
        * (float(sizes.amax()) + 5.0 * step_size)
        * (1 + step_size * max(first.lipschitz, second.lipschitz))
    )
    assert float((back - y0).norm()) <= allowed
    # The check goes out and home once more, so an error may grow by both ways before `inverse` warns of it.
    if growth * allowed <= torch.finfo(y0.dtype).eps ** 0.5 * float(sizes[[0, -1]].amin()):
        assert not caught


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-14)])
def test_images_come_back(dtype: torch.dtype, tolerance: float) -> None:
    pairs = [(convolutional_field(2, 3).to(dtype), convolutional_field(2, 3).to(dtype)) for _ in range(3)]
    net = RevNet(pairs, 0.5)
    y0 = torch.randn(2, 4, 5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)
    with torch.no_grad():
        assert float((net.inverse(net(y0)) - y0).abs().max()) <= tolerance * float(y0.abs().max())


def test_odd_channels_are_refused_both_ways() -> None:
    net = RevNet((lambda _t, y: y, lambda _t, y: y), 0.1, 2)
    for run in (net, net.trajectory, net.inverse):
        with pytest.raises(ValueError, match=r"its length must be even, got 3 in shape \(2, 3, 4, 4\)"):
            run(torch.ones(2, 3, 4, 4))
    with pytest.raises(ValueError, match="`yN` must be finite"):
        net.inverse(torch.full((1, 2), torch.nan))


def test_times_are_those_of_the_way_out() -> None:
    net = RevNet((lambda t, y: t * y, lambda t, y: torch.cos(t) * y), 0.3, 4, start_time=1.0)
    y0 = torch.ones(1, 2, dtype=torch.float64)
    torch.testing.assert_close(net.inverse(net(y0)), y0, rtol=1e-14, atol=1e-14)
