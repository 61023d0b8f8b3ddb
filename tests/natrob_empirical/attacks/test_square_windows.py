"""Each move of Square against its definition, written out pixel by pixel."""

import pytest
import torch

from natrob_empirical.attacks import ActiveSet, CountedModel
from natrob_empirical.attacks.square_windows import AbstractSquares, L2Squares, LinfSquares, Surroundings, two_bumps
from natrob_empirical.random_streams import SampleStreams
from natrob_empirical.threat_models import AbstractBall, L2Ball, LinfBall

SHAPES = [(1, 8, 8), (3, 9, 12), (1, 2, 2), (2, 1, 5), (3, 32, 32)]
BALLS = [(LinfSquares, LinfBall(0.1)), (L2Squares, L2Ball(0.7))]
each_ball = pytest.mark.parametrize(("kind", "ball"), BALLS, ids=str)
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def active_set(ball: AbstractBall, shape: tuple[int, int, int], count: int = 6) -> ActiveSet:
    source = torch.Generator().manual_seed(1)
    x = torch.rand(count, *shape, generator=source)
    model = CountedModel(lambda image: image.flatten(1), count, x.device)
    return ActiveSet(model, x, torch.zeros(count, dtype=torch.int64), SampleStreams(source, count), ball)


@each_shape
def test_the_start_puts_every_pixel_at_a_bound_in_stripes(shape: tuple[int, int, int]) -> None:
    ball = LinfBall(0.1)
    active = active_set(ball, shape)
    point, _ = LinfSquares(ball.epsilon, shape).start(active)
    upper, lower = (active.x + 0.1).clamp(max=1), (active.x - 0.1).clamp(min=0)
    up, down = (torch.isclose(point, face, atol=1e-6) for face in (upper, lower))
    assert bool((up | down).all())
    assert bool((up.all(dim=2) | down.all(dim=2)).all())  # one sign down a column
    assert not bool(up.all() | down.all())


@each_shape
def test_a_start_of_bumps_uses_the_radius_up_where_no_pixel_is_clipped(shape: tuple[int, int, int]) -> None:
    ball = L2Ball(0.05)
    active = active_set(ball, shape)
    active.x.fill_(0.5)
    point, room = L2Squares(ball.epsilon, shape).start(active)
    distance = ball.distance(point, active.x)
    assert bool((distance <= 0.05).all())
    assert bool((distance > 0.05 * (1 - 1e-4)).all())
    assert torch.allclose(room, torch.tensor(0.05).double() ** 2 - distance**2, rtol=0, atol=1e-6)
    assert bool((point[0] != point[1]).any())


def test_a_linf_move_takes_one_window_per_image_to_the_bounds() -> None:
    ball, shape, side = LinfBall(0.1), (3, 9, 12), 4
    active, squares = active_set(ball, shape), LinfSquares(0.1, shape)
    point, room = squares.start(active)
    before = point.clone()
    corners, signs = squares.draw(active, side, 5)
    squares.move(active, point, room, squares.window(side, "cpu"), corners[:, 2], signs[:, 2])
    for row in range(len(point)):
        top, left = divmod(int(corners[row, 2]), 12)
        expected = before[row].clone()
        for channel in range(3):
            moved = (active.x[row, channel] + 0.1 * signs[row, 2, channel]).clamp(0, 1)
            window = (channel, slice(top, top + side), slice(left, left + side))
            expected[window] = moved[window[1:]]
        assert torch.allclose(point[row], expected, rtol=0, atol=1e-7)


def test_an_l2_move_gives_the_budget_of_two_windows_to_one() -> None:
    ball, shape, side = L2Ball(0.7), (3, 9, 12), 5
    active, squares = active_set(ball, shape, 40), L2Squares(0.7, shape)
    point, room = squares.start(active)
    before = point.clone()
    corners, signs = squares.draw(active, side, 1)
    room_left = squares.move(active, point, room, squares.window(side, "cpu"), corners[:, 0], signs[:, 0])
    for row in range(len(point)):
        image, offset = active.x[row].double(), before[row].double() - active.x[row]
        windows = torch.zeros(2, 9, 12, dtype=torch.bool)
        for window, corner in zip(windows, corners[row, 0].tolist(), strict=True):
            window[corner // 12 : corner // 12 + side, corner % 12 : corner % 12 + side] = True
        budget = (offset * windows.any(dim=0)).square().sum(dim=(1, 2)) + max(float(room[row]), 0) / 3
        bump = two_bumps(side) if signs[row, 0, -1] > 0 else two_bumps(side).T
        expected = offset.clone()
        expected[:, windows[1]] = 0
        for channel in range(3):
            old = offset[channel, windows[0]]
            new = signs[row, 0, channel] * bump.flatten() + old / old.norm()
            expected[channel, windows[0]] = new / new.norm() * budget[channel].sqrt()
        assert torch.allclose(point[row].double(), (image + expected).clamp(0, 1), rtol=0, atol=1e-6)
    used = (point.double() - active.x).square().flatten(1).sum(dim=1)
    assert torch.allclose(0.49 - used, room_left, rtol=0, atol=1e-5)


@each_ball
@each_shape
def test_a_long_walk_stays_in_the_ball_without_a_projection(
    kind: type[AbstractSquares], ball: AbstractBall, shape: tuple[int, int, int]
) -> None:
    """Float32 pixels, membership in float64 without tolerance; the room is what is left."""
    active, squares = active_set(ball, shape), kind(ball.epsilon, shape)
    point, room = squares.start(active)
    for share in (1.0, 0.4, 0.1, 0.02, 0.001):
        side = squares.side(share)
        corners, signs = squares.draw(active, side, 20)
        for move in range(20):
            moved = point.clone()
            room_left = squares.move(active, moved, room, squares.window(side, "cpu"), corners[:, move], signs[:, move])
            accepted = torch.rand(6, generator=torch.Generator().manual_seed(move)) < 0.7
            point = torch.where(accepted[:, None, None, None], moved, point)
            room = torch.where(accepted, room_left, room)
            assert bool(ball.contains(point, active.x).all())
    if kind is L2Squares:
        assert torch.allclose(room, 0.49 - ball.distance(point, active.x) ** 2, rtol=0, atol=1e-4)


@each_ball
def test_some_of_the_images_move_as_all_of_them_do(kind: type[AbstractSquares], ball: AbstractBall) -> None:
    shape = (3, 9, 12)
    active, squares = active_set(ball, shape), kind(ball.epsilon, shape)
    point, room = squares.start(active)
    corners, signs = (values[:, 0] for values in squares.draw(active, 5, 1))
    window, of = squares.window(5, "cpu"), torch.tensor([4, 1, 1])
    some, alone = point[of], Surroundings(x=active.x[of], neighbourhood=active.neighbourhood.select(of))
    room_of_some = squares.move(alone, some, room[of], window, corners[of], signs[of])
    room_of_all = squares.move(active, point, room, window, corners, signs)
    assert torch.equal(some, point[of])
    assert torch.equal(room_of_some, room_of_all[of])


@each_ball
def test_two_moves_have_one_key_just_where_they_are_the_same(kind: type[AbstractSquares], ball: AbstractBall) -> None:
    shape = (1, 4, 4)
    active, squares = active_set(ball, shape, 3), kind(ball.epsilon, shape)
    corners, signs = squares.draw(active, 3, 80)
    keys = squares.keys(corners, signs, first=0)
    moves = [(*corner, *sign) for corner, sign in zip(corners[0].tolist(), signs[0].tolist(), strict=True)]
    alike = [[one == other for other in moves] for one in moves]
    assert torch.equal(keys[0][:, None] == keys[0], torch.tensor(alike))
    assert 80 < int(torch.tensor(alike).sum()) < 80 * 80


def test_moves_of_too_many_channels_for_a_number_are_told_apart_by_their_own() -> None:
    shape = (60, 4, 4)
    squares, active = LinfSquares(0.1, shape), active_set(LinfBall(0.1), shape, 2)
    keys = squares.keys(*squares.draw(active, 1, 5), first=7)
    assert keys.tolist() == [[7, 8, 9, 10, 11]] * 2


@each_ball
def test_every_pixel_is_reached_and_no_sign_preferred(kind: type[AbstractSquares], ball: AbstractBall) -> None:
    shape = (2, 5, 7)
    active, squares = active_set(ball, shape, 50), kind(ball.epsilon, shape)
    corners, signs = squares.draw(active, 3, 100)
    assert corners.shape == (50, 100, squares.windows)
    assert set(corners.flatten().tolist()) == {row * 7 + column for row in range(3) for column in range(5)}
    assert set(signs.flatten().tolist()) == {-1.0, 1.0}
    assert bool((signs.mean(dim=(0, 1)).abs() < 0.06).all())


@pytest.mark.parametrize(
    ("kind", "shape", "sides"),
    [
        (LinfSquares, (3, 32, 32), [32, 29, 10, 1]),
        (LinfSquares, (1, 4, 16), [4, 4, 3, 1]),
        (L2Squares, (3, 32, 32), [32, 29, 11, 3]),
        (L2Squares, (1, 2, 2), [2, 2, 2, 2]),
    ],
)
def test_sides_fit_into_the_image(kind: type[AbstractSquares], shape: tuple[int, int, int], sides: list[int]) -> None:
    assert [kind(0.1, shape).side(share) for share in (1.0, 0.8, 0.1, 0.0001)] == sides


def test_the_bumps_are_those_of_the_source() -> None:
    """The sum of equation 2, term by term."""
    side = 7
    halves = []
    for height, sign in ((3, 1.0), (4, -1.0)):
        half = torch.zeros(height, side, dtype=torch.float64)
        n = side // 2
        for r in range(1, height + 1):
            for s in range(1, side + 1):
                most = n - max(abs(r - height // 2 - 1), abs(s - side // 2 - 1))
                half[r - 1, s - 1] = sum(1 / (n + 1 - k) ** 2 for k in range(most + 1))
        halves.append(sign * half / half.norm())
    expected = torch.cat(halves) / 2**0.5
    assert torch.allclose(two_bumps(side), expected, rtol=0, atol=1e-14)
    assert two_bumps(1).tolist() == [[-1.0]]
