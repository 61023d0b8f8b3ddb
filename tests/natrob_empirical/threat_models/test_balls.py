import math
from dataclasses import FrozenInstanceError

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor

from natrob_empirical.random_streams import SampleStreams
from natrob_empirical.threat_models import AbstractBall, L1Ball, L2Ball, LinfBall

BALLS = [LinfBall, L2Ball, L1Ball]
ORDERS = {LinfBall: math.inf, L2Ball: 2, L1Ball: 1}
each_ball = pytest.mark.parametrize("ball_type", BALLS)

radii = st.one_of(
    st.sampled_from([0.0, 1 / 255, 8 / 255, 0.1, 0.3, 0.5, 1.0, 3.0]),
    st.floats(0, 4),
    st.floats(1e-12, 1e-4),
    st.floats(1e3, 1e6),
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    """Points near, far from and outside the pixel range around centers that touch its edges; both dtypes."""
    dtype = draw(st.sampled_from([torch.float32, torch.float64]))
    source = generator(draw(st.integers(0, 2**32)))
    shape = (draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 6)), 2)
    center = (torch.rand(shape, generator=source, dtype=dtype) * 1.4 - 0.2).clamp(0, 1)
    spread = 10.0 ** draw(st.integers(-9, 3))
    return center + spread * torch.randn(shape, generator=source, dtype=dtype), center


@each_ball
@given(pairs(), radii)
def test_a_projection_is_inside_without_tolerance(
    ball_type: type[AbstractBall], pair: tuple[Tensor, Tensor], epsilon: float
) -> None:
    x, center = pair
    projected = ball_type(epsilon).project(x, center)
    assert projected.dtype == x.dtype
    difference = projected.double() - center.double()
    order = ORDERS[ball_type]
    assert bool((torch.linalg.vector_norm(difference.flatten(1), ord=order, dim=1) <= epsilon).all())
    assert float(projected.min()) >= 0
    assert float(projected.max()) <= 1
    assert bool(ball_type(epsilon).contains(projected, center).all())


@each_ball
@given(pairs(), radii)
def test_projecting_twice_changes_nothing(
    ball_type: type[AbstractBall], pair: tuple[Tensor, Tensor], epsilon: float
) -> None:
    x, center = pair
    ball = ball_type(epsilon)
    once = ball.project(x, center)
    assert torch.equal(ball.project(once, center), once)


@each_ball
@given(pairs(), radii)
def test_points_of_the_set_stay_where_they_are(
    ball_type: type[AbstractBall], pair: tuple[Tensor, Tensor], epsilon: float
) -> None:
    x, center = pair
    ball = ball_type(epsilon)
    inside = ball.contains(x, center)
    assert torch.equal(ball.project(x, center)[inside], x[inside])


@each_ball
@given(pairs())
def test_radius_zero_gives_the_center(ball_type: type[AbstractBall], pair: tuple[Tensor, Tensor]) -> None:
    x, center = pair
    assert torch.equal(ball_type(0.0).project(x, center), center)
    assert bool(ball_type(0.0).contains(center, center).all())


@given(pairs(), radii)
def test_the_linf_projection_is_the_nearest_point(pair: tuple[Tensor, Tensor], epsilon: float) -> None:
    x, center = pair
    lower = (center.double() - epsilon).clamp(min=0)
    upper = (center.double() + epsilon).clamp(max=1)
    nearest = torch.minimum(torch.maximum(x.double(), lower), upper)
    allowance = 2 * torch.finfo(x.dtype).eps
    assert torch.allclose(LinfBall(epsilon).project(x, center).double(), nearest, rtol=0, atol=allowance)


def test_the_l2_projection_scales_where_no_pixel_bound_acts() -> None:
    center = torch.full((1, 1, 2, 2), 0.5)
    x = center + torch.tensor([0.3, -0.4, 0.0, 0.0]).reshape(1, 1, 2, 2)
    expected = center + torch.tensor([0.06, -0.08, 0.0, 0.0]).reshape(1, 1, 2, 2)
    assert torch.allclose(L2Ball(0.1).project(x, center), expected, atol=1e-7)


def test_the_l2_projection_scales_before_it_clips() -> None:
    center = torch.tensor([1.0, 0.5]).reshape(1, 1, 1, 2)
    x = center + torch.tensor([3.0, 4.0]).reshape(1, 1, 1, 2)
    expected = torch.tensor([1.0, 0.58]).reshape(1, 1, 1, 2)
    assert torch.allclose(L2Ball(0.1).project(x, center), expected, atol=1e-7)


@given(pairs(), radii)
def test_the_l1_projection_is_the_nearest_point(pair: tuple[Tensor, Tensor], epsilon: float) -> None:
    """No point on the way to a random point of the set is nearer."""
    x, center = pair
    ball = L1Ball(epsilon)
    found = ball.project(x, center).double()
    others = ball.random_point(center, SampleStreams(generator(), len(x))).double()
    towards = ((x.double() - found) * (others - found)).flatten(1).sum(dim=1)
    size = (x.double() - found).flatten(1).norm(dim=1) * (1.0 + epsilon)
    assert bool((towards <= 64 * torch.finfo(x.dtype).eps * (size + 1e-3)).all())


def test_the_l1_projection_lowers_all_differences_by_one_number_and_keeps_the_pixel_range() -> None:
    center = torch.tensor([0.5, 0.5, 0.5, 0.9], dtype=torch.float64).reshape(1, 1, 2, 2)
    x = center + torch.tensor([0.3, -0.2, 0.05, 0.8], dtype=torch.float64).reshape(1, 1, 2, 2)
    expected = torch.tensor([0.7, 0.4, 0.5, 1.0], dtype=torch.float64).reshape(1, 1, 2, 2)  # λ = 0.1
    torch.testing.assert_close(L1Ball(0.4).project(x, center), expected, rtol=0, atol=1e-14)


@each_ball
def test_large_images_stay_inside(ball_type: type[AbstractBall]) -> None:
    center = torch.rand(3, 3, 64, 64, generator=generator(1))
    for epsilon in (1e-7, 8 / 255, 0.5, 2.0):
        ball = ball_type(epsilon)
        projected = ball.project(center + torch.randn(center.shape, generator=generator(2)), center)
        assert bool(ball.contains(projected, center).all())
        assert float(ball.distance(projected, center).min()) > 0.5 * min(epsilon, 0.5) * (epsilon > 1e-6)


def test_the_l2_projection_allows_for_the_rounding_of_the_norm() -> None:
    """Around black images in float64 nothing but the norm is rounded, up as often as down."""
    center = torch.zeros(2000, 1, 5, 5, dtype=torch.float64)
    x = torch.rand(center.shape, generator=generator(), dtype=torch.float64)
    ball = L2Ball(0.3)
    projected = ball.project(x, center)
    assert bool(ball.contains(projected, center).all())
    assert float(ball.distance(projected, center).min()) > 0.3 * (1 - 1e-13)


@each_ball
def test_contains_has_no_tolerance(ball_type: type[AbstractBall]) -> None:
    center = torch.zeros(2, 1, 1, 2, dtype=torch.float64)
    x = center.clone()
    x[0, 0, 0, 0] = 0.25
    x[1, 0, 0, 0] = math.nextafter(0.25, 1)
    assert ball_type(0.25).contains(x, center).tolist() == [True, False]


@each_ball
def test_contains_includes_the_pixel_range_and_excludes_nan(ball_type: type[AbstractBall]) -> None:
    center = torch.tensor([1.0, 0.0, 0.5]).reshape(3, 1, 1, 1)
    x = torch.tensor([1.01, -0.01, math.nan]).reshape(3, 1, 1, 1)
    assert not bool(ball_type(0.1).contains(x, center).any())


@each_ball
def test_nan_stays_nan(ball_type: type[AbstractBall]) -> None:
    x = torch.tensor([math.nan, 0.5]).reshape(1, 1, 1, 2)
    assert bool(ball_type(0.1).project(x, torch.full_like(x, 0.5)).isnan().any())


def test_distances_are_those_of_the_norm() -> None:
    center = torch.zeros(1, 1, 1, 2)
    x = torch.tensor([0.3, 0.4]).reshape(1, 1, 1, 2)
    assert float(LinfBall(1.0).distance(x, center)) == pytest.approx(0.4)
    assert float(L2Ball(1.0).distance(x, center)) == pytest.approx(0.5)
    assert float(L1Ball(1.0).distance(x, center)) == pytest.approx(0.7)
    assert L2Ball(1.0).distance(x, center).dtype == torch.float64


@each_ball
@given(st.integers(0, 1000), radii)
def test_random_points_are_inside(ball_type: type[AbstractBall], seed: int, epsilon: float) -> None:
    center = torch.rand(3, 1, 4, 4, generator=generator(seed)).round(decimals=1)
    ball = ball_type(epsilon)
    assert bool(ball.contains(ball.random_point(center, SampleStreams(generator(seed), 3)), center).all())


@each_ball
def test_random_points_are_uniform_in_the_ball(ball_type: type[AbstractBall]) -> None:
    """The share of the volume within radius r of the center is (r/ε)^d; and no direction is preferred."""
    center = torch.full((4000, 1, 1, 3), 0.5, dtype=torch.float64)
    ball = ball_type(0.4)
    points = ball.random_point(center, SampleStreams(generator(), 4000))
    share = (ball.distance(points, center) / 0.4) ** 3
    assert stats.kstest(share.numpy(), "uniform").pvalue > 1e-3
    offsets = (points - center).flatten(1)
    assert float(offsets.mean(dim=0).abs().max()) < 4 * 0.4 / 4000**0.5
    assert float(torch.corrcoef(offsets.T).triu(1).abs().max()) < 4 / 4000**0.5


@each_ball
@given(pairs())
def test_the_ascent_direction_has_unit_size_and_is_steepest(
    ball_type: type[AbstractBall], pair: tuple[Tensor, Tensor]
) -> None:
    gradient = pair[0].double()
    direction = ball_type(1.0).steepest_ascent(gradient).flatten(1)
    order, dual = {LinfBall: (math.inf, 1), L2Ball: (2, 2), L1Ball: (1, math.inf)}[ball_type]
    ones = torch.ones(len(gradient), dtype=torch.float64)
    assert torch.allclose(torch.linalg.vector_norm(direction, ord=order, dim=1), ones)
    growth = (direction * gradient.flatten(1)).sum(dim=1)
    assert torch.allclose(growth, torch.linalg.vector_norm(gradient.flatten(1), ord=dual, dim=1))


@each_ball
@pytest.mark.parametrize(("dtype", "tiny"), [(torch.float32, 1e-44), (torch.float64, 1e-310)])
def test_tiny_gradients_keep_their_direction_and_zero_stays_zero(
    ball_type: type[AbstractBall], dtype: torch.dtype, tiny: float
) -> None:
    gradient = torch.zeros(2, 1, 1, 3, dtype=dtype)
    gradient[0, 0, 0, 1] = -tiny
    assert ball_type(1.0).steepest_ascent(gradient).flatten(1).tolist() == [[0, -1, 0], [0, 0, 0]]


@pytest.mark.usefixtures("unchecked")
@each_ball
@pytest.mark.parametrize(
    ("epsilon", "error", "message"),
    [
        (-0.1, ValueError, "`epsilon` must be at least 0, got -0.1"),
        (math.nan, ValueError, "`epsilon` must be finite, got nan"),
        (math.inf, ValueError, "`epsilon` must be finite, got inf"),
        (1e7, ValueError, "`epsilon` must be at most 1e\\+06, pixels being in .0, 1., got 10000000.0"),
        (True, TypeError, "`epsilon` must be a real number, got True of type bool"),
        ("0.1", TypeError, "`epsilon` must be a real number, got '0.1' of type str"),
        (None, TypeError, "`epsilon` must be a real number, got None"),
    ],
)
def test_a_wrong_radius_is_refused(
    ball_type: type[AbstractBall], epsilon: float, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        ball_type(epsilon)


@pytest.mark.usefixtures("unchecked")
@each_ball
@pytest.mark.parametrize(
    ("x", "center", "message"),
    [
        (torch.zeros(1, 2), torch.zeros(2, 2), r"one shape \(batch, \*pixels\), got \(1, 2\) and \(2, 2\)"),
        (torch.zeros(1, 2), torch.zeros(1, 2).double(), "both be float32 or both be float64, got torch.float32"),
        (torch.zeros(1, 2).half(), torch.zeros(1, 2).half(), "both be float32 or both be float64"),
        (torch.zeros(1, 2), torch.tensor([[0.5, 1.5]]), "`center` must lie in .* got 1 entries outside or NaN"),
        (torch.zeros(1, 2), torch.tensor([[0.5, math.nan]]), "`center` must lie in the pixel range"),
        (torch.zeros(1, 2), torch.zeros(1, 2, device="meta"), "on one device, got cpu and meta"),
    ],
)
def test_a_wrong_pair_is_refused(ball_type: type[AbstractBall], x: Tensor, center: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ball_type(0.1).project(x, center)


@pytest.mark.usefixtures("unchecked")
def test_balls_are_frozen_values() -> None:
    assert LinfBall(1) == LinfBall(1.0)
    assert isinstance(LinfBall(1).epsilon, float)
    assert LinfBall(0.1) != L2Ball(0.1)
    with pytest.raises(FrozenInstanceError):
        LinfBall(1.0).epsilon = 2  # pyright: ignore[reportAttributeAccessIssue] - the error is the point
    with pytest.raises(TypeError, match="abstract"):
        AbstractBall(1)  # pyright: ignore[reportAbstractUsage] - the error is the point


class _BallOfAnotherNorm(AbstractBall):
    """One that somebody else wrote, who knew of nothing but the four abstract methods."""

    distance = random_point = steepest_ascent = _around = None  # pyright: ignore[reportAssignmentType]


def test_a_ball_of_another_norm_need_not_know_where_gray_images_begin() -> None:
    ball = _BallOfAnotherNorm(0.1)
    with pytest.raises(NotImplementedError, match="_BallOfAnotherNorm does not say from which radius on"):
        ball.grey_radius((1, 8, 8))


@given(pairs())
def test_a_step_in_l1_has_unit_size_and_moves_only_pixels_that_can_move_that_way(pair: tuple[Tensor, Tensor]) -> None:
    gradient, point = pair[0] - 0.5, pair[1].clone()
    flat = point.flatten(1)
    flat[:, ::3] = 1.0
    flat[:, 1::3] = 0.0
    point = flat.view_as(point)
    step = L1Ball(1.0).ascent_step(gradient, point)
    assert ((step == 0) | (step.sign() == gradient.sign())).all()
    assert not ((step > 0) & (point >= 1)).any()
    assert not ((step < 0) & (point <= 0)).any()
    size = step.abs().flatten(1).sum(dim=1)
    movable = ((gradient > 0) & (point < 1)) | ((gradient < 0) & (point > 0))
    torch.testing.assert_close(size, movable.flatten(1).any(dim=1).to(size.dtype))


def test_a_step_in_l1_moves_a_twentieth_of_the_pixels_those_of_the_largest_gradients() -> None:
    gradient = torch.linspace(-1.0, 1.0, 80).reshape(1, 1, 8, 10)
    step = L1Ball(1.0).ascent_step(gradient, torch.full_like(gradient, 0.5)).flatten()
    assert step.nonzero().flatten().tolist() == [0, 1, 78, 79]
    assert step[[0, 1, 78, 79]].tolist() == [-0.25, -0.25, 0.25, 0.25]
    zero = torch.zeros_like(gradient)
    assert not L1Ball(1.0).ascent_step(zero, zero).any()


@pytest.mark.parametrize("ball", [LinfBall(0.1), L2Ball(0.5)])
def test_other_balls_step_along_the_steepest_ascent(ball: AbstractBall) -> None:
    gradient = torch.randn(3, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(ball.ascent_step(gradient, torch.rand_like(gradient)), ball.steepest_ascent(gradient))
